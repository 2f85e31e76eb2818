import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `10m`, `24h`, `7d` in milliseconds; null for anything else. */
function spanOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  const unit = UNITS[match?.[2] ?? ''];
  return match === null || unit === undefined ? null : Number(match[1]) * unit;
}

/** The same of an option. */
export function parseSpan(text: string): number {
  const span = spanOf(text);
  if (span === null) throw new InvalidArgumentError('Give a span of time such as 500ms, 90s, 10m, 24h or 7d.');
  return span;
}

/** A month or a day, which begins at midnight UTC, or a time: of this machine's zone unless it says which. */
const DATE = /^(\d{4})-(\d\d)(?:-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?$/;

/** A span of time back from now, or a date with or without a time. */
export function parseWhen(text: string): number | Date {
  const span = spanOf(text);
  if (span !== null) return span;
  const match = DATE.exec(text.trim());
  if (match === null)
    throw new InvalidArgumentError('Give a span back such as 90s, 24h or 7d, or a date such as 2026-11-18 or 2026-11-18T06:00:00Z.');
  const date = new Date(text.trim().replace(' ', 'T'));
  const [year, month, day] = match.slice(1, 4).map((part) => Number(part ?? 1));
  // JavaScript makes the 2nd of March of the 30th of February.
  if (Number.isNaN(date.getTime()) || new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate() !== day)
    throw new InvalidArgumentError('There is no such day or time.');
  return date;
}

/** A span above nothing: no init phase takes none. */
export function parseBudget(text: string): number {
  const ms = parseSpan(text);
  if (ms <= 0) throw new InvalidArgumentError('Give a span of time such as 500ms or 2s.');
  return ms;
}

/** A folder: an empty name, as of a variable that is not set, would be the one that the command was given in. */
export function parseFolder(text: string): string {
  if (text === '') throw new InvalidArgumentError('Name a folder.');
  return text;
}

/** A whole number from `least` up. */
export function parseCount(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(
        `Give a whole number${most === Number.MAX_SAFE_INTEGER ? ` of at least ${least}` : ` from ${least} to ${most}`}.`,
      );
    }
    return value;
  };
}
