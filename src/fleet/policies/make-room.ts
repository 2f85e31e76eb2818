/** An idle instance that could be given up. */
export interface Candidate {
  readonly id: string;
  readonly idleForMs: number;
  readonly bytes: number;
}

/** Which idle instances to end so that `bytes` become free: the longest idle first, and no more than it takes. */
export function makeRoom(candidates: readonly Candidate[], bytes: number): string[] {
  const chosen: string[] = [];
  let freed = 0;
  for (const c of candidates.toSorted((a, b) => b.idleForMs - a.idleForMs)) {
    if (freed >= bytes) break;
    chosen.push(c.id);
    freed += c.bytes;
  }
  return chosen;
}
