import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Firing, ScheduleLedger } from '../triggers/schedule/ledger.ts';
import { insertDeliveries } from './deliveries.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** What schedules remember, in PostgreSQL. */
export function scheduleLedger(db: Kysely<Database>, run: Run): ScheduleLedger {
  return {
    lastFired: (triggerIds) => run(() => lastFired(db, triggerIds)),
    fire: (firings) => run(() => db.transaction().execute((tx) => fire(tx, firings))),
  };
}

async function lastFired(db: Kysely<Database>, triggerIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; atMs: number }>`
    select trigger_id as id, (extract(epoch from last_at) * 1000)::float8 as "atMs"
    from hearth.schedule where trigger_id = any(${[...triggerIds]}::text[])`.execute(db);
  return new Map(rows.map(({ id, atMs }) => [id, atMs]));
}

async function fire(tx: Kysely<Database>, firings: readonly Firing[]): Promise<void> {
  const times = firings.map(({ triggerId, atMs }) => ({ id: triggerId, ms: atMs }));
  // A trigger that was removed meanwhile has nothing to remember.
  await sql`
    insert into hearth.schedule (trigger_id, last_at)
    select t.id, to_timestamp(t.ms / 1000) from json_to_recordset(${JSON.stringify(times)}::json) as t(id text, ms float8)
    where exists (select 1 from hearth.trigger where trigger_id = t.id)
    on conflict (trigger_id) do update set last_at = greatest(hearth.schedule.last_at, excluded.last_at)`.execute(tx);
  await insertDeliveries(
    tx,
    firings.map((f) => f.delivery),
  );
}
