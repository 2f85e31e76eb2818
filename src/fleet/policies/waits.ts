/** Of one processor: who uses less of it has nothing to do but to wait. */
const SHARE = 0.1;

/**
 * Whether processes only waited between two looks, `overMs` apart, by the processor time that they had used at each; null: not known. One that ended meanwhile
 * makes it seem less, by what it had used: that is no waiting.
 */
export function waits(o: { readonly beforeMs: number | null; readonly afterMs: number | null; readonly overMs: number }): boolean {
  if (o.beforeMs === null || o.afterMs === null) return false;
  const usedMs = o.afterMs - o.beforeMs;
  return usedMs >= 0 && usedMs < o.overMs * SHARE;
}
