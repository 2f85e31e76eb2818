import { fixed } from '../../src/fleet/policies/fixed.ts';
import { greedyDual, leastRecentlyUsed } from '../../src/fleet/policies/greedy-dual.ts';
import { histogram, HISTOGRAM } from '../../src/fleet/policies/histogram.ts';
import type { KeepAlivePolicy } from '../../src/fleet/policies/keep-alive.ts';
import type { ResidencyOptions } from '../../src/fleet/residency.ts';
import type { Trace } from './trace.ts';

const MINUTE_MS = 60_000;
const FOREVER_MS = 365 * 24 * 60 * MINUTE_MS;

/** The oracle makes a snapshot for nearly every call, and is not to be held up by how much a machine can do at once. */
const UNHINDERED = { prewarmsPerMinute: Number.POSITIVE_INFINITY, backgroundAtOnce: Number.POSITIVE_INFINITY };

/** One way to keep functions, as it is compared. */
export interface Contender {
  readonly name: string;
  /** Those that only differ in what they evict have the same: without a cap they do the same. */
  readonly uncapped: string;
  readonly keepMs: number;
  readonly residency: Partial<ResidencyOptions>;
}

/** All that are compared. What a fixed time keeps and memory has no room for goes by least recent use, as caches commonly do. */
export function contenders(trace: Trace): Contender[] {
  const TTL = 10 * MINUTE_MS;
  const learned = histogram(HISTOGRAM);
  return [
    keeping('fixed-1m', { keepMs: MINUTE_MS }),
    keeping('fixed-10m', { keepMs: TTL }),
    keeping('fixed-60m', { keepMs: 60 * MINUTE_MS }),
    keeping('lru', { keepMs: FOREVER_MS }),
    keeping('greedy-dual', { keepMs: FOREVER_MS, eviction: greedyDual }),
    keeping('histogram', { keepMs: TTL, policy: learned }),
    keeping('histogram+greedy-dual', { keepMs: TTL, policy: learned, eviction: greedyDual }),
    keeping('oracle', { keepMs: TTL, policy: oracle(trace), eviction: greedyDual }),
  ];
}

function keeping(
  name: string,
  {
    keepMs,
    policy = fixed,
    eviction = leastRecentlyUsed,
  }: { keepMs: number; policy?: KeepAlivePolicy; eviction?: ResidencyOptions['eviction'] },
): Contender {
  return {
    name,
    uncapped: policy === fixed ? `fixed ${keepMs}` : name.replace('+greedy-dual', ''),
    keepMs,
    residency: { policyOf: () => policy, eviction, ...(name === 'oracle' ? UNHINDERED : { prewarmsPerMinute: 60, backgroundAtOnce: 8 }) },
  };
}

/** How early the oracle has a snapshot made, over and above what its init phase takes. */
const EARLY_MS = 1_000;

/** Knows when each function is called next: goes at once, and is back just in time. No policy can do better. */
function oracle(trace: Trace): KeepAlivePolicy {
  const byName = new Map(trace.functions.map((f) => [f.name, f]));
  return (o, nowMs) => {
    const f = byName.get(o.functionName);
    const next = f === undefined ? undefined : nextAfter(f.arrivalsMs, nowMs);
    if (f === undefined || next === undefined) return { instancesMs: 0, snapshotMs: 0, awayMs: null, why: 'never called again' };
    const gapMs = next - nowMs;
    const awayMs = gapMs - f.initMs - EARLY_MS;
    return { instancesMs: 0, snapshotMs: gapMs + EARLY_MS, awayMs: awayMs > 0 ? awayMs : null, why: 'called next' };
  };
}

/** The first time that is later; by halves, in a sorted list. */
function nextAfter(times: Float64Array, nowMs: number): number | undefined {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) > nowMs) high = middle;
    else low = middle + 1;
  }
  return times[low];
}
