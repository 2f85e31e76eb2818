import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `10m`, `24h`, `7d` in milliseconds; null for anything else. */
export function spanOf(text: string): number | null {
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

/** A span above nothing: no init phase takes none. */
export function parseBudget(text: string): number {
  const ms = parseSpan(text);
  if (ms <= 0) throw new InvalidArgumentError('Give a span of time such as 500ms or 2s.');
  return ms;
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
