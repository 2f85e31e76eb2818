import type { Stay } from './keep-alive.ts';

/** Where an idle function is in its stay: not gone yet, gone until it is due, here again, gone for good. */
export type Phase = 'here' | 'away' | 'back' | 'over';

/** The phase of a stay after so long of being idle. */
export function phaseOf(stay: Stay, idleMs: number): Phase {
  if (idleMs >= stay.snapshotMs) return 'over';
  if (stay.awayMs === null) return 'here';
  return idleMs < stay.awayMs ? 'away' : 'back';
}
