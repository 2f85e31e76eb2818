const KiB = 1024;

/** `512 B`, `1.5 kB`, `12 MB`: three figures at most, in steps of 1024. */
export function bytes(n: number): string {
  let value = n;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < KiB) return `${unit === 'B' ? value : figures(value)} ${unit}`;
    value /= KiB;
  }
  return `${figures(value)} TB`;
}

/** `0.4 ms`, `12 ms`, `1.3 s`, `2 min`, `3 h`, `4 d`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${figures(ms)} ms`;
  if (ms < 60_000) return `${figures(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

/** Time that is billed, for which `3 min` is too little: `12 ms`, `1.23 s`, `96.4 s`, `765.6 s`. */
export function billedTime(ms: number): string {
  return ms < 60_000 ? duration(ms) : `${Number((ms / 1_000).toFixed(1))} s`;
}

/** A length of time that something else is reckoned by, in two units, rounded to the smaller: `90 min`, `24 h`, `36 h 5 min`, `30 d 12 h`. */
export function span(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 2) return duration(ms);
  if (minutes < 120) return `${minutes} min`;
  const [unit, large, small] = minutes < 48 * 60 ? [1, 'h', 'min'] : [60, 'd', 'h'];
  const parts = Math.round(minutes / unit);
  const each = unit === 1 ? 60 : 24;
  const rest = parts % each;
  return `${Math.floor(parts / each)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** Local wall clock, `14:03:59.123`. */
export function timeOfDay(ms: number): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** The local day, `2026-11-28`. */
export function day(ms: number): string {
  const at = new Date(ms);
  return [String(at.getFullYear()).padStart(4, '0'), at.getMonth() + 1, at.getDate()].map((n) => String(n).padStart(2, '0')).join('-');
}

/** The time of day, with the day before it where that is not today's. */
export function moment(ms: number, nowMs: number): string {
  return day(ms) === day(nowMs) ? timeOfDay(ms) : `${day(ms)} ${timeOfDay(ms)}`;
}

/** `1 function`, `2 functions`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** An exact decimal as text, cut to what a person reads: at most six decimals, no trailing zeros. */
export function money(decimal: string, currency: string): string {
  const [whole = '0', fraction = ''] = decimal.split('.');
  const kept = fraction.slice(0, 6).replace(/0+$/, '').padEnd(2, '0');
  const vanished = /^0*$/.test(whole) && /^0*$/.test(kept) && /[1-9]/.test(fraction);
  return vanished ? `< 0.000001 ${currency}` : `${whole}.${kept} ${currency}`;
}

function figures(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? String(Number(value.toFixed(1))) : String(Number(value.toFixed(2)));
}
