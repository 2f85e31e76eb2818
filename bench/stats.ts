/** What the tables show of a sample. All in the sample's own unit. */
export interface Summary {
  readonly n: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * The nearest-rank percentile: the smallest value that at least `p` percent of the sample do not exceed. Always one that
 * was measured, never one between two. Throws RangeError for an empty sample, or a `p` outside (0, 100].
 */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  if (!(p > 0 && p <= 100)) throw new RangeError(`a percentile lies in (0, 100], not at ${p}`);
  if (sorted.length === 0) throw new RangeError('no percentile of an empty sample');
  const rank = Math.ceil((p / 100) * sorted.length - 1e-9); // 99 % of 200 is 198.00000000000003
  return sorted[Math.max(1, rank) - 1] as number;
}

/** Throws RangeError for an empty sample, or one with a value that is no number: NaN would sort anywhere. */
export function summarize(sample: Iterable<number>): Summary {
  const sorted = Float64Array.from(sample).sort();
  if (sorted.some(Number.isNaN)) throw new RangeError('the sample has a value that is no number');
  return {
    n: sorted.length,
    min: percentile(sorted, 1e-6),
    p50: percentile(sorted, 50),
    p90: percentile(sorted, 90),
    p99: percentile(sorted, 99),
    max: percentile(sorted, 100),
  };
}

/** The samples of several rounds as one. There may be more values than a call takes arguments. */
export function joined(samples: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(samples.reduce((sum, sample) => sum + sample.length, 0));
  let at = 0;
  for (const sample of samples) {
    all.set(sample, at);
    at += sample.length;
  }
  return all;
}

/** The middle of a few rounds: the mean of the two middle ones when their count is even. */
export function median(sample: Iterable<number>): number {
  const sorted = Float64Array.from(sample).sort();
  if (sorted.length === 0) throw new RangeError('no median of an empty sample');
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2;
}

export function mean(sample: readonly number[]): number {
  if (sample.length === 0) throw new RangeError('no mean of an empty sample');
  return sample.reduce((sum, value) => sum + value, 0) / sample.length;
}

/** To `digits` behind the point, as a number: what goes into JSON. */
export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
