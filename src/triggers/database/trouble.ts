import { HearthError } from '../../errors.ts';

/** Trouble that only a person can end; the sentence names the fix. */
export class NeedsPerson extends Error {}

/** What is awaited, of others; not a fault. */
export class Awaited extends Error {}

/** What trouble means for a trigger: its state, in a sentence, and how soon to try again. */
export interface Trouble {
  readonly state: 'waiting' | 'failed';
  readonly detail: string;
  /** Between attempts, in milliseconds; null: longer each time. */
  readonly againMs: number | null;
}

/** Of a slot that is at its bound. */
export const ABOUT_TO_BE_LOST = 'the slot is about to be lost: more is written than is taken, or the ledger is away';

const SLOT_IN_USE = '55006';
const TOO_MANY_SLOTS = '53400';
const NOT_ALLOWED = '42501';
const LOST = /can no longer (get changes|access)|slot .* (has been|was) invalidated|requested WAL segment .* has already been removed/i;

export function troubleOf(error: unknown): Trouble {
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  const code = (error as { code?: unknown }).code;
  if (error instanceof NeedsPerson) return { state: 'failed', detail: message, againMs: 30_000 };
  if (error instanceof Awaited) return { state: 'waiting', detail: message, againMs: 2_000 };
  if (error instanceof HearthError) return { state: 'waiting', detail: message, againMs: null };
  if (code === SLOT_IN_USE) return { state: 'waiting', detail: 'another connection still streams the slot', againMs: 500 };
  if (code === TOO_MANY_SLOTS || /max_replication_slots|max_wal_senders/.test(message)) {
    return {
      state: 'failed',
      detail: `${message}; raise max_replication_slots and max_wal_senders and restart that server`,
      againMs: 30_000,
    };
  }
  if (code === NOT_ALLOWED) {
    return {
      state: 'failed',
      detail: `${message}; the role needs REPLICATION, CREATE on the database, and to own the tables`,
      againMs: 30_000,
    };
  }
  if (LOST.test(message)) return { state: 'failed', detail: lostSlot(), againMs: 30_000 };
  return { state: 'waiting', detail: `waits for the database: ${message}`, againMs: null };
}

const ANEW =
  'To begin anew from now, give the trigger another `name` in hearth.yaml and deploy; with `backfill: true` it reads the rows that are there first';

export function lostSlot(): string {
  return `the changes since the last one delivered are lost: more was written than max_slot_wal_keep_size lets a slot keep. ${ANEW}.`;
}

export function goneSlot(): string {
  return `the trigger’s replication slot is gone from the server, and changes since then were not seen. ${ANEW}.`;
}
