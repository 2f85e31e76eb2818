/** Something idle that could be given up. */
export interface Evictable {
  readonly id: string;
  /** What giving it up frees. */
  readonly bytes: number;
  /** What having it again takes, milliseconds. */
  readonly rebuildMs: number;
  /** How often its function was used since something of it is resident. */
  readonly uses: number;
  /** The eviction clock when it was last used. */
  readonly clockAtUse: number;
  /** Monotonic. */
  readonly lastUsedMs: number;
}

/** What goes, in order, and where the eviction clock stands afterwards. */
export interface Eviction {
  readonly ids: readonly string[];
  readonly clock: number;
}

/** Chooses what to give up so that `bytes` become free, and no more than it takes. Pure. */
export type EvictionPolicy = (candidates: readonly Evictable[], bytes: number, clock: number) => Eviction;

const MIB = 1024 * 1024;

/**
 * Greedy-Dual-Size-Frequency (Cherkasov 1998; for functions: Fuerst and Sharma, ASPLOS'21): the priority is the clock at the last use plus
 * uses x rebuild time / size, and the lowest goes. The clock moves to the priority of what went, so what is not used ages.
 */
export function greedyDual(candidates: readonly Evictable[], bytes: number, clock: number): Eviction {
  return choose(candidates, bytes, { clock, priority });
}

/** The least recently used goes first. */
export function leastRecentlyUsed(candidates: readonly Evictable[], bytes: number, clock: number): Eviction {
  return { ...choose(candidates, bytes, { clock, priority: (c) => c.lastUsedMs }), clock };
}

function priority(c: Evictable): number {
  return c.clockAtUse + (c.uses * c.rebuildMs) / (Math.max(c.bytes, 1) / MIB);
}

function choose(candidates: readonly Evictable[], bytes: number, by: { clock: number; priority: (c: Evictable) => number }): Eviction {
  const ranked = candidates.map((c) => ({ c, priority: by.priority(c) })).sort((a, b) => a.priority - b.priority);
  const ids: string[] = [];
  let freed = 0;
  let { clock } = by;
  for (const { c, priority } of ranked) {
    if (freed >= bytes) break;
    ids.push(c.id);
    freed += c.bytes;
    clock = Math.max(clock, priority);
  }
  return { ids, clock };
}
