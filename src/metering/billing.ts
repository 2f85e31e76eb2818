import { Decimal } from '../lib/decimal.ts';

/** What usage costs, as exact decimals in one currency. */
export interface Prices {
  readonly currency: string;
  readonly pricePerGbSecond: string;
  readonly pricePerMillionRequests: string;
  /** A machine kept on for the same work. */
  readonly alwaysOnPerHour: string;
}

/** A million, as the exact factor that divides by it. */
const MILLIONTH = Decimal.parse('0.000001');

/** GB-seconds in one MB-millisecond, exactly: 1 / (1024 * 1000). */
const PER_MB_MS = Decimal.parse('0.0000009765625');

const HOUR_MS = Decimal.whole(3_600_000);

/** To how many places a quotient of money is rounded. */
const QUOTIENT_DIGITS = 10;

/**
 * Whole milliseconds billed for a handler's run and the init phase that is billed with it, rounded up as on Lambda.
 * Clocks here count microseconds; what lies below is noise of floating point and bills nothing. What is not a time (negative, NaN) counts as none.
 */
export function billedMs(durationMs: number, billedInitMs: number): number {
  const micros = Math.round((time(durationMs) + time(billedInitMs)) * 1_000);
  return Math.ceil(micros / 1_000);
}

/** Billed milliseconds times configured memory, in GB-seconds (a GB is 1,024 MB): exact decimal text. */
export function gbSeconds(billed: number, memoryMb: number): string {
  return Decimal.whole(billed).times(Decimal.whole(memoryMb)).times(PER_MB_MS).toString();
}

/** What invocations cost: exact decimal text. */
export function cost(usage: { readonly gbSeconds: string; readonly invocations: number }, prices: Prices): string {
  const compute = Decimal.parse(usage.gbSeconds).times(Decimal.parse(prices.pricePerGbSecond));
  const requests = Decimal.whole(usage.invocations).times(Decimal.parse(prices.pricePerMillionRequests)).times(MILLIONTH);
  return compute.plus(requests).toString();
}

/** What a machine costs that is kept on for so long: decimal text, rounded to ten places. */
export function alwaysOnCost(windowMs: number, pricePerHour: string): string {
  return Decimal.whole(windowMs).times(Decimal.parse(pricePerHour)).dividedBy(HOUR_MS, QUOTIENT_DIGITS).toString();
}

function time(ms: number): number {
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}
