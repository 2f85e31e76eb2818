import { fixed } from './fixed.ts';
import type { IdleObservation, KeepAlivePolicy, Stay } from './keep-alive.ts';

export interface HistogramOptions {
  /** Fewer idle times than this say nothing yet. */
  readonly leastSamples: number;
  /** When a larger share of them was beyond the range, the range says nothing of this function. */
  readonly mostBeyond: number;
  /** Least coefficient of variation of the bins: below it they are all alike, and no time is likelier than another. */
  readonly leastVariation: number;
  /** A function that would be away for less than this stays: making its snapshot anew would cost more than keeping it. */
  readonly leastAwayMs: number;
}

export const HISTOGRAM: HistogramOptions = { leastSamples: 3, mostBeyond: 0.5, leastVariation: 2, leastAwayMs: 2 * 60_000 };

/** Quantiles of the idle times that are looked at, and how much earlier and later than them is allowed for. */
const HEAD = { share: 0.05, margin: 0.9 };
const TAIL = { share: 0.99, margin: 1.1 };

/**
 * The hybrid histogram policy (Shahrad et al., ATC'20) without its time series: a function goes when it falls idle, comes back
 * at 0.9 of the 5th percentile of its idle times (rounded down to the minute) and stays to 1.1 of the 99th (rounded up). Fixed while the
 * histogram is learning or says nothing.
 */
export function histogram(options: HistogramOptions): KeepAlivePolicy {
  return (o) => {
    const { idleTimes } = o;
    if (idleTimes.samples < options.leastSamples)
      return fallback(o, `learning: ${idleTimes.samples} of ${options.leastSamples} idle times`);
    const beyond = idleTimes.beyond / idleTimes.samples;
    const head = idleTimes.quantile(HEAD.share);
    const tail = idleTimes.quantile(TAIL.share);
    if (beyond > options.mostBeyond || head === null || tail === null)
      return fallback(o, `${percent(beyond)} of idle times are longer than ${minutes(idleTimes.rangeMs)} min`);
    if (idleTimes.variation < options.leastVariation) return fallback(o, 'idle times are too much alike in frequency');
    const awayMs = head.fromMs * HEAD.margin;
    const snapshotMs = tail.toMs * TAIL.margin;
    return {
      instancesMs: Math.min(o.instanceKeepMs, snapshotMs),
      snapshotMs,
      awayMs: awayMs < options.leastAwayMs ? null : awayMs,
      why: `histogram: p5 ${minutes(head.fromMs)} min, p99 ${minutes(tail.toMs)} min of ${idleTimes.samples} idle times`,
    };
  };
}

function fallback(o: IdleObservation, why: string): Stay {
  return { ...fixed(o), why: `fixed, ${why}` };
}

function minutes(ms: number): number {
  return Math.round(ms / 60_000);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
