import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { AttemptRecord, DeliveryState } from '../model/delivery-outcome.ts';
import type { DeliveryCounts, DeliveryDetail, DeliveryFilter, DeliverySummary } from '../model/delivery-view.ts';
import type { DeliverySource } from '../model/delivery.ts';
import { DELIVERIES_CHANNEL, lockKeys } from './deliveries.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** The ledger as it is looked up, driven again and kept within bounds. */
export interface DeliveryBook {
  /** Newest first; those before `beforeSeq` when it is given. */
  list(filter: DeliveryFilter, page: { readonly limit: number; readonly beforeSeq?: string | undefined }): Promise<DeliverySummary[]>;
  /** Those of an event (or a request), one for each target. */
  find(id: string): Promise<DeliveryDetail[]>;
  counts(): Promise<DeliveryCounts[]>;
  /** Queues finished deliveries again, as if they had just been accepted; returns how many. With `event`: that event's only. */
  redrive(filter: DeliveryFilter & { readonly event?: string | undefined }): Promise<number>;
  /** Removes a batch of finished deliveries that are too old, or too many; returns how many. Call it until it is 0. */
  sweep(keep: { readonly ms: number; readonly count: number }): Promise<number>;
}

/** Deliveries that one transaction drives again or removes. */
const BATCH = 2_000;

export function deliveryBook(db: Kysely<Database>, run: Run): DeliveryBook {
  return {
    list: (filter, page) => run(() => list(db, filter, page)),
    find: (id) => run(() => find(db, id)),
    counts: () => run(() => counts(db)),
    redrive: (filter) => redrive(db, run, filter),
    sweep: (keep) => run(() => sweep(db, keep)),
  };
}

interface Row {
  readonly seq: string;
  readonly event_id: string;
  readonly source: DeliverySource;
  readonly source_arn: string;
  readonly subject: string;
  readonly function_id: string;
  readonly qualifier: string;
  readonly lane: string;
  readonly has_destination: boolean;
  readonly order_key: string | null;
  readonly request_id: string;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly attempts: number;
  readonly occurred_ms: number;
  readonly accepted_ms: number;
  readonly due_ms: number;
  readonly finished_ms: number | null;
  readonly payload_bytes: number;
}

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;
const COLUMNS = sql.raw(
  `seq, event_id, source, source_arn, subject, function_id, qualifier, lane, destination is not null as has_destination, order_key, request_id,
   state, reason, attempts, ${ms('occurred_at')} as occurred_ms, ${ms('accepted_at')} as accepted_ms, ${ms('due_at')} as due_ms,
   ${ms('finished_at')} as finished_ms, octet_length(payload) as payload_bytes`,
);

async function list(
  db: Kysely<Database>,
  filter: DeliveryFilter,
  page: { readonly limit: number; readonly beforeSeq?: string | undefined },
): Promise<DeliverySummary[]> {
  const { rows } = await listQuery(filter, page).execute(db);
  return rows.map(summary);
}

/** What is not finished is found by the partial indexes of the queue, however large the ledger is: hence `seq + 0`, by which the primary key's order is of no use. */
export function listQuery(
  filter: DeliveryFilter,
  page: { readonly limit: number; readonly beforeSeq?: string | undefined },
): RawBuilder<Row> {
  const before = page.beforeSeq === undefined ? sql`true` : sql`seq < ${page.beforeSeq}::int8`;
  const of = (part: RawBuilder<unknown>) => sql`
    (select seq from hearth.delivery where ${part} and ${where({ ...filter, state: undefined })} and ${before} order by seq + 0 desc limit ${page.limit})`;
  const unfinished = { ready: [of(READY)], held: [of(HELD)], waiting: [of(READY), of(HELD)], running: [of(RUNNING)] };
  const chosen =
    filter.state === undefined || filter.state === 'succeeded' || filter.state === 'failed'
      ? sql`${where(filter)} and ${before}`
      : sql`seq = any(array(${sql.join(unfinished[filter.state], sql` union all `)}))`;
  return sql<Row>`select ${COLUMNS} from hearth.delivery where ${chosen} order by seq desc limit ${page.limit}`;
}

const READY = sql`state = 'ready'`;
/** Only what has a key is ever held. */
const HELD = sql`state = 'held' and order_key is not null`;
const RUNNING = sql`state = 'running'`;

async function find(db: Kysely<Database>, id: string): Promise<DeliveryDetail[]> {
  type Detail = Row & { lineage: string; trace_id: string; history: AttemptRecord[]; payload: Buffer };
  const { rows } = await sql<Detail>`
    select ${COLUMNS}, lineage, trace_id, history, payload from hearth.delivery where event_id = ${id} order by seq limit 100
  `.execute(db);
  return rows.map((r) => ({ ...summary(r), lineage: r.lineage, traceId: r.trace_id, history: r.history, payload: r.payload }));
}

async function counts(db: Kysely<Database>): Promise<DeliveryCounts[]> {
  const { rows } = await sql<{ function_id: string; state: DeliveryState; count: number; oldest_ms: number }>`
    select function_id, state, count(*)::float8 as count, ${sql.raw(ms('min(accepted_at)'))} as oldest_ms
    from hearth.delivery group by function_id, state order by function_id, state
  `.execute(db);
  return rows.map((r) => ({ functionId: r.function_id, state: r.state, count: r.count, oldestAtMs: r.oldest_ms }));
}

function summary(row: Row): DeliverySummary {
  return {
    seq: row.seq,
    eventId: row.event_id,
    source: row.source,
    sourceArn: row.source_arn,
    subject: row.subject,
    functionId: row.function_id,
    qualifier: row.qualifier === '' ? null : row.qualifier,
    destination: row.has_destination ? row.lane : null,
    orderKey: row.order_key,
    requestId: row.request_id,
    state: row.state,
    reason: row.reason,
    attempts: row.attempts,
    occurredAtMs: row.occurred_ms,
    acceptedAtMs: row.accepted_ms,
    dueAtMs: row.due_ms,
    finishedAtMs: row.finished_ms,
    payloadBytes: row.payload_bytes,
  };
}

function where(filter: DeliveryFilter): RawBuilder<boolean> {
  const parts: RawBuilder<unknown>[] = [sql`true`];
  const { functionId, state, source, prefix, fromMs, toMs } = filter;
  // Of a function: what its outcomes are sent to has lanes of its own, and is not asked for here.
  if (functionId !== undefined) parts.push(sql`lane = ${functionId}`);
  if (state === 'waiting') parts.push(sql`state in ('ready', 'held')`);
  else if (state !== undefined) parts.push(sql`state = ${state}`);
  if (source !== undefined) parts.push(sql`source = ${source}`);
  if (prefix !== undefined) parts.push(sql`starts_with(subject, ${prefix})`);
  if (fromMs !== undefined) parts.push(sql`accepted_at >= to_timestamp(${fromMs}::float8 / 1000)`);
  if (toMs !== undefined) parts.push(sql`accepted_at < to_timestamp(${toMs}::float8 / 1000)`);
  return sql<boolean>`${sql.join(parts, sql` and `)}`;
}

/** Batch after batch up to what was there when it began, so that it ends while new ones fail. */
async function redrive(db: Kysely<Database>, run: Run, filter: DeliveryFilter & { readonly event?: string | undefined }): Promise<number> {
  const event = filter.event === undefined ? sql`true` : sql`event_id = ${filter.event}`;
  // A message that went back to its queue comes again from there.
  const chosen = sql`${where(filter)} and ${event} and state in ('succeeded', 'failed') and reason is distinct from 'ReturnedToQueue'`;
  const last = await run(() => sql<{ last: string }>`select coalesce(max(seq), 0) as last from hearth.delivery`.execute(db));
  const until = last.rows[0]?.last ?? '0';
  let total = 0;
  for (let after = '0'; ;) {
    const from = after;
    const batch = await run(() =>
      db.transaction().execute((tx) => redriveBatch(tx, sql`${chosen} and seq > ${from}::int8 and seq <= ${until}::int8`)),
    );
    total += batch.count;
    if (batch.last === null) return total;
    after = batch.last;
  }
}

async function redriveBatch(tx: Kysely<Database>, chosen: RawBuilder<unknown>): Promise<{ count: number; last: string | null }> {
  const { rows } = await sql<{ seq: string; key: string | null }>`
    select seq, order_key as key
    from hearth.delivery where ${chosen} order by seq limit ${sql.lit(BATCH)}
  `.execute(tx);
  if (rows.length === 0) return { count: 0, last: null };
  const keys = rows.flatMap((r) => r.key ?? []);
  if (keys.length > 0) await lockKeys(tx, keys);
  // Of a key, the first is let out unless one is under way; the others wait behind it.
  const { numAffectedRows } = await sql`
    update hearth.delivery d
    set state = case when c.order_key is not null and (c.nth > 1 or exists (
          select 1 from hearth.delivery e where e.lane = c.lane and e.qualifier = c.qualifier and e.order_key = c.order_key
            and e.order_key is not null and e.state in ('held', 'ready', 'running'))) then 'held' else 'ready' end,
      due_at = clock_timestamp(), queued_at = clock_timestamp(), finished_at = null, reason = null, function_errors = 0, system_errors = 0
    from (
      select seq, lane, qualifier, order_key, row_number() over (partition by lane, qualifier, order_key order by seq) as nth
      from hearth.delivery where seq = any(${rows.map((r) => r.seq)}::int8[]) and state in ('succeeded', 'failed')
    ) c
    where d.seq = c.seq and d.state in ('succeeded', 'failed')
  `.execute(tx);
  await sql`select pg_notify(${DELIVERIES_CHANNEL}, '')`.execute(tx);
  return { count: Number(numAffectedRows ?? 0n), last: rows.at(-1)?.seq ?? null };
}

async function sweep(db: Kysely<Database>, keep: { readonly ms: number; readonly count: number }): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from hearth.delivery where seq in (
      (select seq from hearth.delivery where accepted_at < now() - ${keep.ms}::float8 * interval '1 millisecond'
        and state in ('succeeded', 'failed') limit ${sql.lit(BATCH)})
      union all
      (select seq from hearth.delivery where seq <= (select coalesce(max(seq), 0) from hearth.delivery) - ${keep.count}::int8
        and state in ('succeeded', 'failed') order by seq limit ${sql.lit(BATCH)})
    )
    -- Asked again of each when it is deleted: it may have been driven again meanwhile.
    and state in ('succeeded', 'failed')
  `.execute(db);
  const removed = Number(numAffectedRows ?? 0n);
  // What is remembered of batches goes after their deliveries, once no more of these go.
  if (removed === 0)
    await sql`
      delete from hearth.batch_progress p where not exists (select 1 from hearth.delivery d where d.seq = p.seq)`.execute(db);
  return removed;
}
