import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { BusClockLedger } from '../triggers/bus/bus-clock.ts';
import type { Firing } from '../triggers/schedule/ledger.ts';
import { insertDeliveries } from './deliveries.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** What the times of rules and schedules remember, in PostgreSQL. */
export function busClockLedger(db: Kysely<Database>, run: Run): BusClockLedger {
  return {
    lastFired: (ids) => run(() => lastFired(db, ids)),
    fire: (firings) => run(() => db.transaction().execute((tx) => fire(tx, firings))),
    forget: (id) => run(async () => void (await sql`delete from hearth.bus_time where id = ${id}`.execute(db))),
  };
}

async function lastFired(db: Kysely<Database>, ids: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; atMs: number }>`
    select id, (extract(epoch from last_at) * 1000)::float8 as "atMs"
    from hearth.bus_time where id = any(${[...ids]}::text[])`.execute(db);
  return new Map(rows.map(({ id, atMs }) => [id, atMs]));
}

/** Of one time there may be several firings, one a target. */
async function fire(tx: Kysely<Database>, firings: readonly Firing[]): Promise<void> {
  const times = [...new Map(firings.map(({ triggerId, atMs }) => [triggerId, { id: triggerId, ms: atMs }])).values()];
  await sql`
    insert into hearth.bus_time (id, last_at)
    select t.id, to_timestamp(t.ms / 1000) from json_to_recordset(${JSON.stringify(times)}::json) as t(id text, ms float8)
    on conflict (id) do update set last_at = greatest(hearth.bus_time.last_at, excluded.last_at)`.execute(tx);
  await insertDeliveries(
    tx,
    firings.map((f) => f.delivery),
  );
}
