import type { Sharing } from '../../model/batch-contract.ts';
import type { StreamState } from './ledger.ts';

/**
 * By how many orders a stream goes on, that was shared out as `state` says (null: it is new) and is to have so many. Another number, or one that is not known, begins a new
 * generation: what waits of the one before is run first.
 */
export function nextSharing(state: StreamState | null, shards: number): Sharing {
  if (state === null) return { shards, generation: 0 };
  const { sharing } = state;
  return sharing?.shards === shards ? sharing : { shards, generation: (sharing?.generation ?? 0) + 1 };
}
