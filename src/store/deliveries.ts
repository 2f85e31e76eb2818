import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import type { NewDelivery } from '../model/delivery.ts';
import type { Database } from './schema.ts';

/** Told with a lane when it has new work, or with '' when several have. */
export const DELIVERIES_CHANNEL = 'hearth_delivery';

/** Order keys share this many locks, so that a batch of many keys does not use up the database's. */
const KEY_LOCKS = 64;

/** A notification holds less than 8,000 bytes. */
const LONGEST_LANE = 1_000;

/** What deliveries are shared out between: a function, or a destination. */
function laneOf(delivery: Pick<NewDelivery, 'functionId' | 'destination'>): string {
  const { destination } = delivery;
  if (destination === undefined) return delivery.functionId;
  switch (destination.kind) {
    case 'queue':
      return `queue:${destination.queue}`;
    case 'http':
      return `http:${new URL(destination.url).origin}`;
    case 'bucket':
      return `bucket:${destination.bucket}`;
    case 'table':
      return `table:${destination.connection === null ? '' : `${destination.connection}/`}${destination.table}`;
  }
}

/**
 * Writes deliveries to the ledger and tells the workers, both when the transaction commits: without one, it is a transaction of its own.
 * What has the event id and target of a delivery that is there already is ignored. Throws what the database throws.
 */
export async function insertDeliveries(db: Kysely<Database> | Transaction<Database>, deliveries: readonly NewDelivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  if (db.isTransaction) await insertWithin(db, deliveries);
  else await db.transaction().execute((tx) => insertWithin(tx, deliveries));
}

async function insertWithin(tx: Kysely<Database>, deliveries: readonly NewDelivery[]): Promise<void> {
  const keyed = deliveries.filter((d) => d.orderKey !== null);
  // Who finishes the head of a key takes the same lock: the next is neither forgotten nor let out beside it. Each statement sees what was committed before it.
  if (keyed.length > 0)
    await lockKeys(
      tx,
      keyed.map((d) => d.orderKey ?? ''),
    );
  const rows = distinct(deliveries);
  let offset = 0;
  const documents = rows.map((d, place) => {
    const at = offset;
    offset += d.payload.length;
    return document(d, place, at);
  });
  const payloads = Buffer.concat(rows.map((d) => d.payload));
  const lanes = [...new Set(documents.map((d) => d.lane))];
  const lane = lanes.length === 1 && lanes[0] !== undefined && lanes[0].length <= LONGEST_LANE ? lanes[0] : '';
  await sql`
    with given as (
      select r.*, row_number() over (partition by r.lane, r.qualifier, r.order_key order by r.place) as nth
      from json_to_recordset(${JSON.stringify(documents)}::json) as r(
        place int, event_id text, lane text, qualifier text, function_id text, destination jsonb, policy jsonb, source text, source_arn text, subject text,
        order_key text, request_id text, client_context text, lineage text, trace_id text, occurred_ms float8, at int, bytes int)
      -- What is there already must not count as the one that the next of its key waits for.
      where r.order_key is null or not exists (
        select 1 from hearth.delivery e where e.event_id = r.event_id and e.lane = r.lane and e.qualifier = r.qualifier)
    ), inserted as (
      insert into hearth.delivery (event_id, lane, qualifier, function_id, destination, policy, source, source_arn, subject, order_key,
        request_id, payload, client_context, lineage, trace_id, occurred_at, state)
      select g.event_id, g.lane, g.qualifier, g.function_id, g.destination, g.policy, g.source, g.source_arn, g.subject, g.order_key,
        coalesce(g.request_id, gen_random_uuid()::text), substring(${payloads}::bytea from g.at + 1 for g.bytes), g.client_context, g.lineage,
        g.trace_id, to_timestamp(g.occurred_ms / 1000),
        case when g.order_key is not null and (g.nth > 1 or exists (
          select 1 from hearth.delivery e where e.lane = g.lane and e.qualifier = g.qualifier and e.order_key = g.order_key
            and e.order_key is not null and e.state in ('held', 'ready', 'running')
        )) then 'held' else 'ready' end
      from given g order by g.place
      on conflict (event_id, lane, qualifier) do nothing
      returning 1
    )
    select pg_notify(${DELIVERIES_CHANNEL}, ${lane}) from (select 1 from inserted limit 1) as any_inserted
  `.execute(tx);
}

/** The lock of each order key, always in the same order; whatever function or destination it is of, which may change while it is not finished. */
export async function lockKeys(tx: Kysely<Database>, keys: readonly string[]): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(hashtext('hearth.delivery'), slot) from (
      select distinct abs(hashtext(k) % ${sql.lit(KEY_LOCKS)}) as slot from unnest(${[...keys]}::text[]) as k order by slot
    ) as slots
  `.execute(tx);
}

function distinct(deliveries: readonly NewDelivery[]): NewDelivery[] {
  const seen = new Set<string>();
  return deliveries.filter((d) => {
    const key = JSON.stringify([d.id, laneOf(d), d.qualifier]);
    return seen.has(key) ? false : seen.add(key);
  });
}

function document(d: NewDelivery, place: number, at: number) {
  return {
    place,
    event_id: d.id,
    lane: laneOf(d),
    qualifier: d.qualifier ?? '',
    function_id: d.functionId,
    destination: d.destination ?? null,
    policy: d.policy ?? null,
    source: d.source,
    source_arn: d.sourceArn,
    subject: d.subject,
    order_key: d.orderKey,
    request_id: d.requestId ?? null,
    client_context: d.clientContext ?? '',
    lineage: d.lineage,
    trace_id: d.traceId,
    occurred_ms: d.occurredAtMs,
    at,
    bytes: d.payload.length,
  };
}
