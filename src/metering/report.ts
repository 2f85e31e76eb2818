import { Decimal } from '../lib/decimal.ts';
import type { UsageTotals } from '../store/store.ts';
import { alwaysOnCost, cost } from './billing.ts';
import type { Prices } from './billing.ts';

/** Sums with their price. */
interface PricedUsage {
  readonly invocations: number;
  readonly errors: number;
  readonly coldStarts: number;
  readonly billedMs: number;
  readonly gbSeconds: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cost: string;
}

/** The answer of `GET /hearth/v1/usage`; times in milliseconds since the epoch. */
export interface UsageReport {
  readonly from: number;
  readonly to: number;
  readonly functions: readonly (PricedUsage & { readonly functionName: string })[];
  readonly total: PricedUsage;
  /** A machine kept on from `from` to `to`. */
  readonly alwaysOn: { readonly hours: number; readonly costPerHour: string; readonly cost: string };
  readonly currency: string;
}

/** What was asked for: starts in [fromMs, toMs). Without a `fromMs` the report begins with the first invocation there was. */
export interface Window {
  readonly fromMs: number | null;
  readonly toMs: number;
}

type Sums = Omit<PricedUsage, 'cost'>;

/** The usage report of a window, from the totals of that window. */
export function usageReport(totals: readonly UsageTotals[], window: Window, prices: Prices): UsageReport {
  const to = Math.trunc(window.toMs);
  const first = totals.reduce((earliest, t) => Math.min(earliest, t.firstAtMs), to);
  const from = Math.min(Math.trunc(window.fromMs ?? first), to);
  return {
    from,
    to,
    functions: totals.map((t) => ({ functionName: t.functionName, ...priced(t, prices) })),
    total: priced(totals.reduce(add, NOTHING), prices),
    alwaysOn: {
      hours: (to - from) / 3_600_000,
      costPerHour: prices.alwaysOnPerHour,
      cost: alwaysOnCost(to - from, prices.alwaysOnPerHour),
    },
    currency: prices.currency,
  };
}

const NOTHING: Sums = { invocations: 0, errors: 0, coldStarts: 0, billedMs: 0, gbSeconds: '0', bytesIn: 0, bytesOut: 0 };

function add(sum: Sums, t: Sums): Sums {
  return {
    invocations: sum.invocations + t.invocations,
    errors: sum.errors + t.errors,
    coldStarts: sum.coldStarts + t.coldStarts,
    billedMs: sum.billedMs + t.billedMs,
    gbSeconds: Decimal.parse(sum.gbSeconds).plus(Decimal.parse(t.gbSeconds)).toString(),
    bytesIn: sum.bytesIn + t.bytesIn,
    bytesOut: sum.bytesOut + t.bytesOut,
  };
}

function priced(sums: Sums, prices: Prices): PricedUsage {
  const { invocations, errors, coldStarts, billedMs, gbSeconds, bytesIn, bytesOut } = sums;
  return { invocations, errors, coldStarts, billedMs, gbSeconds, bytesIn, bytesOut, cost: cost(sums, prices) };
}
