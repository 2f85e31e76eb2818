import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** Longer than any delivery is made to wait for its next attempt (five minutes). */
const LONGEST = sql.raw(`interval '6 minutes'`);
/** What a transaction's time may be behind that of what was written meanwhile. */
const ABOUT_NOW = sql.raw(`interval '1 second'`);
/** For how long a FIFO queue knows doubles. */
const DEDUPLICATION = sql.raw(`interval '5 minutes'`);

/** What was written while the clock ran ahead, and waits for a time that is not near any more since the clock was set right. */
export interface Ahead {
  /** Makes it due as if the clock had been right: deliveries at once, messages as long after now as they were after being sent. Returns how many. */
  straighten(): Promise<number>;
}

/** By the database's own clock. It reads all that waits: to be asked at the start, and when the clock was set back. */
export function ahead(db: Kysely<Database>, run: Run): Ahead {
  return { straighten: () => run(() => db.transaction().execute(straighten)) };
}

async function straighten(tx: Kysely<Database>): Promise<number> {
  const deliveries = await sql`
    update hearth.delivery set due_at = now(), queued_at = least(queued_at, now())
    where state = 'ready' and (queued_at > now() + ${ABOUT_NOW} or due_at > now() + ${LONGEST})`.execute(tx);
  // One that was received before the clock ran ahead may be hidden for hours as it is: its queue says for how long.
  const messages = await sql`
    update hearth.message set visible_at = visible_at - (sent_at - now()), sent_at = now(), first_received_at = least(first_received_at, now())
    where sent_at > now() + ${ABOUT_NOW}`.execute(tx);
  await sql`
    update hearth.message_deduplication set until = now() + ${DEDUPLICATION} where until > now() + ${DEDUPLICATION} + ${ABOUT_NOW}`.execute(
    tx,
  );
  return Number((deliveries.numAffectedRows ?? 0n) + (messages.numAffectedRows ?? 0n));
}
