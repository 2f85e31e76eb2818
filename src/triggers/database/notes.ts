import type { Pool } from 'pg';
import { slotState, unboundedSlots } from './catalog.ts';
import type { Published } from './publications.ts';
import { ABOUT_TO_BE_LOST } from './trouble.ts';

/** What is to be said of a trigger that streams, in sentences that name what to do. */
export async function notesOf(pool: Pool, slot: string, { missing, insertsOnly }: Published): Promise<string[]> {
  const notes = [];
  if (missing.length > 0) notes.push(`there is no table ${missing.join(', ')} yet`);
  if (insertsOnly.length > 0) {
    notes.push(`${insertsOnly.join(', ')} has no primary key: only inserts are seen; add one, or: alter table … replica identity full`);
  }
  const state = await slotState(pool, slot);
  if (state?.walStatus === 'unreserved') notes.push(ABOUT_TO_BE_LOST);
  if (await unboundedSlots(pool)) {
    notes.push('max_slot_wal_keep_size is not set on the server: while this trigger is away its disk may fill; set it, to 1GB for example');
  }
  return notes;
}
