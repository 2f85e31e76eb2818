import type { BatchContract } from '../../../model/batch-contract.ts';

/** Records of a batch, from one index to before another. */
interface Segment {
  readonly from: number;
  readonly to: number;
  /** How often its first record was the one that failed. */
  readonly tries: number;
}

/** What is still to be run of a batch, in order, and what of it was given up. */
export interface Progress {
  readonly open: readonly Segment[];
  readonly given: readonly Segment[];
}

/** What an attempt at the first open segment makes of a batch. */
export interface Step {
  readonly progress: Progress;
  /** What was given up with it. */
  readonly discarded: Segment | null;
  /** How long to wait before the next attempt, milliseconds. */
  readonly delayMs: number;
}

const DELAY_MS = { first: 1_000, most: 60_000 };

/** A batch of so many records that was never tried. */
export function wholeBatch(count: number): Progress {
  return { open: [{ from: 0, to: count, tries: 0 }], given: [] };
}

/**
 * The function was run with the first open segment. `failedAt`: the first record that failed, an index in the batch; null: none. What lies before it is
 * done. The rest is tried again from there, in two halves where the mapping bisects, which costs none of its retries; without retries left it is given up.
 * So the order is kept: nothing behind a record that failed is run before it went well or was given up.
 */
export function afterRun(
  { open, given }: Progress,
  failedAt: number | null,
  { bisects, retries }: Pick<BatchContract, 'bisects' | 'retries'>,
): Step {
  const [segment, ...rest] = open;
  if (segment === undefined) throw new Error('a batch with nothing open was run');
  if (failedAt === null) return { progress: { open: rest, given }, discarded: null, delayMs: 0 };
  const { to } = segment;
  const advanced = failedAt > segment.from;
  if (bisects && advanced) return again([{ from: failedAt, to, tries: 0 }, ...rest], given, 0);
  if (bisects && to - failedAt > 1) {
    const middle = failedAt + Math.ceil((to - failedAt) / 2);
    const { tries } = segment;
    return again([{ from: failedAt, to: middle, tries }, { from: middle, to, tries }, ...rest], given, 0);
  }
  const tries = advanced ? 1 : segment.tries + 1;
  const failed = { from: failedAt, to, tries };
  if (retries !== null && tries > retries) return { progress: { open: rest, given: [...given, failed] }, discarded: failed, delayMs: 0 };
  return again([failed, ...rest], given, backOffMs(tries));
}

/** Records from the first open one on that are too old are given up. `olds`: how many of the segment's are. */
export function afterAging({ open, given }: Progress, olds: number): Step {
  const [segment, ...rest] = open;
  if (segment === undefined || olds === 0) return { progress: { open, given }, discarded: null, delayMs: 0 };
  const discarded = { ...segment, to: segment.from + olds };
  const left = discarded.to < segment.to ? [{ from: discarded.to, to: segment.to, tries: 0 }] : [];
  return { progress: { open: [...left, ...rest], given: [...given, discarded] }, discarded, delayMs: 0 };
}

/** 1, 2, 4 … 60 seconds. */
export function backOffMs(failures: number): number {
  return Math.min(DELAY_MS.first * 2 ** Math.min(failures - 1, 20), DELAY_MS.most);
}

function again(open: readonly Segment[], given: readonly Segment[], delayMs: number): Step {
  return { progress: { open, given }, discarded: null, delayMs };
}
