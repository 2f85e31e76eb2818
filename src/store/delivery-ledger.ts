import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { DeliverySource, NewDelivery } from '../model/delivery.ts';
import type { Claimed, Finished, Ledger, Want } from '../triggers/ledger/ledger.ts';
import { DELIVERIES_CHANNEL, insertDeliveries, lockKeys } from './deliveries.ts';
import type { Listen } from './listener.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** How long a claim lasts unless it is renewed. */
const LEASE_MS = 30_000;

/** Attempts that are kept of one delivery; the oldest go. */
export const HISTORY = 20;

/** The ledger in PostgreSQL, as the workers use it. `db`'s sessions need not wait for the disk: what is lost of their work is done again. */
export function deliveryLedger(db: Kysely<Database>, run: Run, listen: Listen): Ledger {
  return {
    readyLanes: (limit) => run(() => readyLanes(db, limit)),
    claim: (wants, bytes) => run(() => claim(db, wants, bytes)),
    finish: (finished) => run(() => finish(db, finished)),
    release: (claimed) => run(() => release(db, claimed)),
    renew: (seqs) => run(() => renew(db, seqs)),
    reclaim: (all) => run(() => reclaim(db, all)),
    listen: (listener) => listen(DELIVERIES_CHANNEL, (lane) => listener(lane === '' ? null : lane)),
  };
}

/** Goes from lane to lane by the index, so that a backlog of one costs no more than one delivery of it. */
async function readyLanes(db: Kysely<Database>, limit: number): Promise<string[]> {
  const { rows } = await sql<{ lane: string }>`
    with recursive lanes as (
      (select lane, due_at from hearth.delivery where state = 'ready' order by lane, due_at limit 1)
      union all
      select n.lane, n.due_at from lanes l cross join lateral (
        select lane, due_at from hearth.delivery where state = 'ready' and lane > l.lane order by lane, due_at limit 1) n
    )
    select lane from lanes where due_at <= now() limit ${limit}
  `.execute(db);
  return rows.map((r) => r.lane);
}

interface ClaimedRow {
  readonly seq: string;
  readonly event_id: string;
  readonly lane: string;
  readonly qualifier: string;
  readonly function_id: string;
  readonly destination: NewDelivery['destination'] | null;
  readonly policy: NewDelivery['policy'] | null;
  readonly source: DeliverySource;
  readonly source_arn: string;
  readonly subject: string;
  readonly order_key: string | null;
  readonly request_id: string;
  readonly payload: Buffer;
  readonly client_context: string;
  readonly lineage: string;
  readonly trace_id: string;
  readonly occurred_ms: number;
  readonly age_ms: number;
  readonly attempts: number;
  readonly function_errors: number;
  readonly system_errors: number;
}

async function claim(db: Kysely<Database>, wants: readonly Want[], bytes: number): Promise<Claimed[]> {
  const { rows } = await sql<ClaimedRow>`
    with due as materialized (
      select p.seq, p.bytes, w.place, p.due_at from unnest(${wants.map((w) => w.lane)}::text[], ${wants.map((w) => w.most)}::int[])
        with ordinality as w(lane, most, place) cross join lateral (
          select d.seq, d.due_at, octet_length(d.payload) as bytes from hearth.delivery d
          where d.lane = w.lane and d.state = 'ready' and d.due_at <= now()
          order by d.due_at, d.seq limit w.most for update skip locked) p
    ), fitting as (
      select seq from (select seq, bytes, sum(bytes) over (order by place, due_at, seq) as until from due) s where until - bytes < ${bytes}
    )
    update hearth.delivery d
    set state = 'running', attempts = d.attempts + 1, lease_until = now() + ${sql.lit(LEASE_MS)} * interval '1 millisecond'
    from fitting f where d.seq = f.seq
    returning d.seq, d.event_id, d.lane, d.qualifier, d.function_id, d.destination, d.policy, d.source, d.source_arn, d.subject, d.order_key,
      d.request_id, d.payload, d.client_context, d.lineage, d.trace_id, (extract(epoch from d.occurred_at) * 1000)::float8 as occurred_ms,
      greatest(0, extract(epoch from now() - d.queued_at) * 1000)::float8 as age_ms, d.attempts, d.function_errors, d.system_errors
  `.execute(db);
  return rows.map(claimed).sort((a, b) => Number(a.seq) - Number(b.seq));
}

function claimed(row: ClaimedRow): Claimed {
  return {
    seq: row.seq,
    eventId: row.event_id,
    lane: row.lane,
    qualifier: row.qualifier === '' ? null : row.qualifier,
    functionId: row.function_id,
    ...(row.destination === null || row.destination === undefined ? {} : { destination: row.destination }),
    ...(row.policy === null || row.policy === undefined ? {} : { policy: row.policy }),
    source: row.source,
    sourceArn: row.source_arn,
    subject: row.subject,
    orderKey: row.order_key,
    requestId: row.request_id,
    payload: row.payload,
    clientContext: row.client_context,
    lineage: row.lineage,
    traceId: row.trace_id,
    occurredAtMs: row.occurred_ms,
    ageMs: row.age_ms,
    attempt: row.attempts,
    functionErrors: row.function_errors,
    systemErrors: row.system_errors,
  };
}

async function finish(db: Kysely<Database>, finished: readonly Finished[]): Promise<void> {
  const simple = finished.filter((f) => f.claimed.orderKey === null && f.outcomes.length === 0);
  if (simple.length > 0) await write(db, simple);
  const others = finished.filter((f) => f.claimed.orderKey !== null || f.outcomes.length > 0);
  if (others.length === 0) return;
  await db.transaction().execute(async (tx) => {
    const keyed = others.filter((f) => f.claimed.orderKey !== null && f.next.kind !== 'again');
    if (keyed.length > 0)
      await lockKeys(
        tx,
        keyed.map((f) => f.claimed.orderKey ?? ''),
      );
    const written = await write(tx, others);
    await letOut(
      tx,
      written.filter((w) => w.done && w.order_key !== null),
    );
    const seqs = new Set(written.map((w) => w.seq));
    await insertDeliveries(
      tx,
      others.filter((f) => seqs.has(f.claimed.seq)).flatMap((f) => f.outcomes),
    );
  });
}

/** What was written, as it is now: while it ran, it may have become another function's. `done`: it has ended. */
interface Written {
  readonly seq: string;
  readonly lane: string;
  readonly qualifier: string;
  readonly order_key: string | null;
  readonly done: boolean;
}

/** Returns those that were still ours to finish. */
async function write(db: Kysely<Database>, finished: readonly Finished[]): Promise<Written[]> {
  const documents = finished.map(({ claimed: c, record, next }) => ({
    seq: c.seq,
    attempt: c.attempt,
    state: next.kind === 'again' ? 'ready' : next.kind,
    delay_ms: next.kind === 'again' ? next.delayMs : 0,
    function_errors: next.kind === 'again' ? next.functionErrors : c.functionErrors + (record.outcome === 'function_error' ? 1 : 0),
    system_errors: next.kind === 'again' ? next.systemErrors : c.systemErrors,
    reason: next.kind === 'failed' ? next.reason : null,
    record: storable(JSON.stringify([record])),
  }));
  const { rows } = await sql<Written>`
    update hearth.delivery d
    set state = g.state, due_at = now() + g.delay_ms * interval '1 millisecond', lease_until = null, function_errors = g.function_errors,
      system_errors = g.system_errors, reason = g.reason, finished_at = case when g.state = 'ready' then null else now() end,
      history = case when jsonb_array_length(d.history) >= ${sql.lit(HISTORY)} then d.history - 0 else d.history end || g.record::jsonb
    from json_to_recordset(${JSON.stringify(documents)}::json) as g(seq int8, attempt int, state text, delay_ms float8, function_errors int,
      system_errors int, reason text, record text)
    where d.seq = g.seq and d.state = 'running' and d.attempts = g.attempt
    returning d.seq, d.lane, d.qualifier, d.order_key, d.state <> 'ready' as done
  `.execute(db);
  return rows;
}

/** jsonb holds no NUL, and no half of a surrogate pair (which JSON.stringify escapes). */
export function storable(json: string): string {
  return json.replaceAll(/\\u(0000|d[89a-f][0-9a-f]{2})/g, '\\ufffd');
}

/** The first that is held of each key becomes ready, unless one of the key still is. The key's lock must be held. */
async function letOut(tx: Kysely<Database>, keyed: readonly Written[]): Promise<void> {
  if (keyed.length === 0) return;
  await sql`
    with keys as (
      select distinct lane, qualifier, order_key from json_to_recordset(${JSON.stringify(keyed)}::json) as k(lane text, qualifier text, order_key text)
    ), firsts as (
      select f.seq from keys k cross join lateral (
        select d.seq, d.state from hearth.delivery d where d.lane = k.lane and d.qualifier = k.qualifier and d.order_key = k.order_key
          and d.order_key is not null and d.state in ('held', 'ready', 'running') order by d.seq limit 1) f
      where f.state = 'held' and not exists (
        select 1 from hearth.delivery o where o.lane = k.lane and o.qualifier = k.qualifier and o.order_key = k.order_key
          and o.order_key is not null and o.state in ('ready', 'running'))
    ), let_out as (
      update hearth.delivery d set state = 'ready', due_at = now() from firsts f where d.seq = f.seq returning d.lane
    )
    select pg_notify(${DELIVERIES_CHANNEL}, lane) from (select distinct lane from let_out where length(lane) < 1000) l
  `.execute(tx);
}

async function release(db: Kysely<Database>, claims: readonly Claimed[]): Promise<void> {
  await sql`
    update hearth.delivery d set state = 'ready', due_at = now(), lease_until = null
    from unnest(${claims.map((c) => c.seq)}::int8[], ${claims.map((c) => c.attempt)}::int[]) as g(seq, attempt)
    where d.seq = g.seq and d.state = 'running' and d.attempts = g.attempt
  `.execute(db);
}

async function renew(db: Kysely<Database>, seqs: readonly string[]): Promise<void> {
  await sql`
    update hearth.delivery set lease_until = now() + ${sql.lit(LEASE_MS)} * interval '1 millisecond'
    where seq = any(${[...seqs]}::int8[]) and state = 'running'
  `.execute(db);
}

async function reclaim(db: Kysely<Database>, all: boolean): Promise<number> {
  const { numAffectedRows } = await sql`
    update hearth.delivery set state = 'ready', due_at = now(), lease_until = null
    where state = 'running' and (${all} or lease_until < now())
  `.execute(db);
  return Number(numAffectedRows ?? 0n);
}
