import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { BatchOwner, BatchStore } from '../triggers/batches/batch-store.ts';
import type { Progress } from '../triggers/batches/policies/progress.ts';
import { DELIVERIES_CHANNEL, lockKeys } from './deliveries.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** How far divided batches are, in PostgreSQL. */
export function batchStore(db: Kysely<Database>, run: Run): BatchStore {
  return {
    load: (seq) => run(() => load(db, seq)),
    save: (seq, progress) => run(() => save(db, seq, progress)),
    hurry: (orderPrefix, functionId) =>
      run(async () => {
        await sql`
          update hearth.delivery set due_at = now()
          where lane = ${functionId} and order_key is not null and starts_with(order_key, ${orderPrefix}) and state = 'ready'`.execute(db);
        await sql`select pg_notify(${DELIVERIES_CHANNEL}, ${functionId})`.execute(db);
      }),
    readdress: (orderPrefix, to) => run(() => readdress(db, orderPrefix, to)),
    isBehind: (claimed, orders) => run(() => isBehind(db, claimed, orders)),
  };
}

/** See BatchStore. Under the lock of each order: what ends meanwhile lets out the next of its order where that is then. */
export async function readdress(db: Kysely<Database>, orderPrefix: string, { functionId, qualifier }: BatchOwner): Promise<void> {
  const others = sql`order_key is not null and state in ('held', 'ready', 'running') and starts_with(order_key, ${orderPrefix})
    and (lane <> ${functionId} or qualifier <> ${qualifier ?? ''})`;
  await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ order_key: string }>`select distinct order_key from hearth.delivery where ${others}`.execute(tx);
    if (rows.length === 0) return;
    await lockKeys(
      tx,
      rows.map((r) => r.order_key),
    );
    await sql`
      update hearth.delivery set lane = ${functionId}, function_id = ${functionId}, qualifier = ${qualifier ?? ''},
        due_at = case when state = 'ready' then now() else due_at end
      where ${others}`.execute(tx);
    await sql`select pg_notify(${DELIVERIES_CHANNEL}, ${functionId})`.execute(tx);
  });
}

async function isBehind(
  ...[db, { seq, lane, qualifier }, { all, own }]: [Kysely<Database>, ...Parameters<BatchStore['isBehind']>]
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from hearth.delivery where lane = ${lane} and qualifier = ${qualifier ?? ''} and order_key is not null
      and state in ('held', 'ready', 'running') and seq < ${seq}::int8 and starts_with(order_key, ${all}) and not starts_with(order_key, ${own})
    limit 1`.execute(db);
  return rows.length > 0;
}

async function load(db: Kysely<Database>, seq: string): Promise<Progress | null> {
  const { rows } = await sql<{ progress: Progress }>`select progress from hearth.batch_progress where seq = ${seq}::int8`.execute(db);
  return rows[0]?.progress ?? null;
}

async function save(db: Kysely<Database>, seq: string, progress: Progress | null): Promise<void> {
  if (progress === null) await sql`delete from hearth.batch_progress where seq = ${seq}::int8`.execute(db);
  else
    await sql`
      insert into hearth.batch_progress (seq, progress) values (${seq}::int8, ${JSON.stringify(progress)}::jsonb)
      on conflict (seq) do update set progress = excluded.progress`.execute(db);
}
