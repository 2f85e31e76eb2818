import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { ChangeLedger, StreamState } from '../triggers/database/ledger.ts';
import { formatLsn, parseLsn } from '../triggers/database/lsn.ts';
import { readdress } from './batches.ts';
import { insertDeliveries } from './deliveries.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

interface StreamRow {
  readonly systemId: string;
  readonly timeline: number;
  readonly commitLsn: string;
  readonly index: string;
  readonly backfilled: boolean;
  readonly shards: number | null;
  readonly generation: number;
}

/** What streams of changes remember, in PostgreSQL. */
export function changeLedger(db: Kysely<Database>, run: Run): ChangeLedger {
  return {
    state: (triggerId) => run(() => stateOf(db, triggerId)),
    append: (triggerId, deliveries, state) =>
      run(() =>
        db.transaction().execute(async (tx) => {
          await insertDeliveries(tx, deliveries);
          await remember(tx, triggerId, state);
        }),
      ),
    readdress: (orderPrefix, to) => run(() => readdress(db, orderPrefix, to)),
  };
}

async function stateOf(db: Kysely<Database>, triggerId: string): Promise<StreamState | null> {
  const { rows } = await sql<StreamRow>`
    select system_id as "systemId", timeline, commit_lsn::text as "commitLsn", change_index::text as index, backfilled, shards, generation
    from hearth.change_stream where trigger_id = ${triggerId}`.execute(db);
  const row = rows[0];
  if (row === undefined) return null;
  const { systemId, timeline, backfilled, shards, generation } = row;
  const sharing = shards === null ? null : { shards, generation };
  return { place: { systemId, timeline, commitLsn: parseLsn(row.commitLsn), index: Number(row.index) }, backfilled, sharing };
}

async function remember(tx: Kysely<Database>, triggerId: string, { place, backfilled, sharing }: StreamState): Promise<void> {
  await sql`
    insert into hearth.change_stream (trigger_id, system_id, timeline, commit_lsn, change_index, backfilled, shards, generation)
    values (${triggerId}, ${place.systemId}, ${place.timeline}, ${formatLsn(place.commitLsn)}::pg_lsn, ${place.index}, ${backfilled},
      ${sharing?.shards ?? null}, ${sharing?.generation ?? 0})
    on conflict (trigger_id) do update set system_id = excluded.system_id, timeline = excluded.timeline, commit_lsn = excluded.commit_lsn,
      change_index = excluded.change_index, backfilled = excluded.backfilled, shards = excluded.shards, generation = excluded.generation`.execute(
    tx,
  );
}
