import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { DeliveryCounts, DeliveryDetail, DeliveryFilter, DeliverySummary, QueueFeed } from '../model/delivery-view.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** Messages that functions are to be given and that are not in the ledger yet: each is shown as a delivery of the function that its queue feeds, from its sending on. */
export interface MessageBook {
  /** Newest first; those before `beforeSeq` when it is given. `seq` is the place among messages. */
  list(
    feeds: readonly QueueFeed[],
    filter: DeliveryFilter,
    page: { readonly limit: number; readonly beforeSeq?: string | undefined },
  ): Promise<DeliverySummary[]>;
  /** By the id of its message. */
  find(feeds: readonly QueueFeed[], messageId: string): Promise<DeliveryDetail[]>;
  counts(feeds: readonly QueueFeed[]): Promise<DeliveryCounts[]>;
}

export function messageBook(db: Kysely<Database>, run: Run): MessageBook {
  return {
    list: (feeds, filter, page) => run(() => list(db, { feeds, filter }, page)),
    find: (feeds, messageId) => run(() => find(db, feeds, messageId)),
    counts: (feeds) => run(() => counts(db, feeds)),
  };
}

interface Row {
  readonly seq: string;
  readonly message_id: string;
  readonly place: number;
  readonly group_id: string | null;
  readonly state: 'ready' | 'running';
  readonly receive_count: number;
  readonly sent_ms: number;
  readonly visible_ms: number;
  readonly bytes: number;
}

const STATE = sql.raw(`case when m.polled and m.visible_at > now() then 'running' else 'ready' end`);
const COLUMNS = sql`m.seq, m.message_id, f.place::int - 1 as place, m.group_id, ${STATE} as state, m.receive_count,
  (extract(epoch from m.sent_at) * 1000)::float8 as sent_ms, (extract(epoch from m.visible_at) * 1000)::float8 as visible_ms, octet_length(m.body) as bytes`;

/** Messages of the queues that feed functions, without those that the ledger knows. */
function unseen(feeds: readonly QueueFeed[]): RawBuilder<unknown> {
  const column = (of: (feed: QueueFeed) => string) => sql`${feeds.map(of)}::text[]`;
  return sql`unnest(${column((f) => f.queueId)}, ${column((f) => f.functionId)}, ${column((f) => f.qualifier ?? '')}, ${column((f) => f.queueName)})
      with ordinality as f(queue_id, function_id, qualifier, name, place)
    join hearth.message m on m.queue_id = f.queue_id and not exists (
      select 1 from hearth.delivery d where d.event_id = m.message_id and d.lane = f.function_id and d.qualifier = f.qualifier)`;
}

async function list(
  db: Kysely<Database>,
  { feeds, filter }: { readonly feeds: readonly QueueFeed[]; readonly filter: DeliveryFilter },
  { limit, beforeSeq }: { readonly limit: number; readonly beforeSeq?: string | undefined },
): Promise<DeliverySummary[]> {
  const wanted = onePerQueue(feeds.filter((f) => filter.functionId === undefined || f.functionId === filter.functionId));
  const { state, source, prefix, fromMs, toMs } = filter;
  const waits = state === undefined || state === 'waiting' || state === 'ready' || state === 'running';
  if (wanted.length === 0 || !waits || (source !== undefined && source !== 'queue')) return [];
  const parts: RawBuilder<unknown>[] = [sql`true`];
  if (state !== undefined) parts.push(sql`${STATE} = ${state === 'running' ? 'running' : 'ready'}`);
  if (prefix !== undefined) parts.push(sql`starts_with(f.name || '/' || m.message_id, ${prefix})`);
  if (fromMs !== undefined) parts.push(sql`m.sent_at >= to_timestamp(${fromMs}::float8 / 1000)`);
  if (toMs !== undefined) parts.push(sql`m.sent_at < to_timestamp(${toMs}::float8 / 1000)`);
  if (beforeSeq !== undefined) parts.push(sql`m.seq < ${beforeSeq}::int8`);
  const { rows } = await sql<Row>`
    select ${COLUMNS} from ${unseen(wanted)} where ${sql.join(parts, sql` and `)} order by m.seq desc limit ${limit}`.execute(db);
  return rows.flatMap((row) => summary(row, wanted) ?? []);
}

async function find(db: Kysely<Database>, all: readonly QueueFeed[], messageId: string): Promise<DeliveryDetail[]> {
  const feeds = onePerQueue(all);
  if (feeds.length === 0) return [];
  const { rows } = await sql<Row & { body: string; trace_header: string | null }>`
    select ${COLUMNS}, m.body, m.trace_header from ${unseen(feeds)} where m.message_id = ${messageId} order by m.seq limit 100`.execute(db);
  return rows.flatMap((row) => {
    const shown = summary(row, feeds);
    return shown === null ? [] : [{ ...shown, lineage: '', traceId: row.trace_header ?? '', history: [], payload: Buffer.from(row.body) }];
  });
}

async function counts(db: Kysely<Database>, all: readonly QueueFeed[]): Promise<DeliveryCounts[]> {
  const feeds = onePerQueue(all);
  if (feeds.length === 0) return [];
  const { rows } = await sql<{ function_id: string; state: 'ready' | 'running'; count: number; oldest_ms: number }>`
    select f.function_id, ${STATE} as state, count(*)::float8 as count, (extract(epoch from min(m.sent_at)) * 1000)::float8 as oldest_ms
    from ${unseen(feeds)} group by 1, 2`.execute(db);
  return rows.map((r) => ({ functionId: r.function_id, state: r.state, count: r.count, oldestAtMs: r.oldest_ms }));
}

/** Several functions may take from a queue, and a message goes to one of them: it is shown once. */
function onePerQueue(feeds: readonly QueueFeed[]): QueueFeed[] {
  return [...new Map(feeds.toReversed().map((f) => [f.queueId, f])).values()];
}

function summary(row: Row, feeds: readonly QueueFeed[]): DeliverySummary | null {
  const feed = feeds[row.place];
  if (feed === undefined) return null;
  return {
    seq: row.seq,
    eventId: row.message_id,
    source: 'queue',
    sourceArn: feed.queueArn,
    subject: `${feed.queueName}/${row.message_id}`,
    functionId: feed.functionId,
    qualifier: feed.qualifier,
    destination: null,
    orderKey: row.group_id,
    requestId: '',
    state: row.state,
    reason: null,
    attempts: row.receive_count,
    occurredAtMs: row.sent_ms,
    acceptedAtMs: row.sent_ms,
    dueAtMs: row.visible_ms,
    finishedAtMs: null,
    payloadBytes: row.bytes,
  };
}
