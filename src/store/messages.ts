import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { MessageAttribute, NewMessage, Queue, QueueDepth, ReceivedMessage, Sent } from '../model/queue.ts';
import type { QueueStore } from '../queues/queue-store.ts';
import type { Database } from './schema.ts';

/** Told with the id of a queue when it has new messages. */
export const QUEUE_CHANNEL = 'hearth_queue';

const DEDUPLICATION = sql.raw(`interval '5 minutes'`);
const SWEEP_BATCH = 2_000;

export async function send(db: Kysely<Database>, queue: Queue, messages: readonly NewMessage[]): Promise<Sent[]> {
  return db.transaction().execute(async (tx) => {
    // The order of sending is the order of the commits: a receiver must not see the second of a group before the first.
    if (queue.attributes.fifo) await lockQueue(tx, queue);
    const before = queue.attributes.fifo ? await duplicates(tx, queue, messages) : new Map<string, Sent>();
    const fresh: NewMessage[] = [];
    for (const message of messages) {
      const key = deduplicationKey(queue, message);
      if (key !== null && before.has(key)) continue;
      fresh.push(message);
      if (key !== null) before.set(key, { messageId: message.messageId, sequence: '' });
    }
    const sent = await insert(tx, queue, fresh);
    return messages.map((m) => {
      const known = before.get(deduplicationKey(queue, m) ?? '');
      const messageId = known?.messageId ?? m.messageId;
      return { messageId, sequence: known?.sequence || (sent.get(messageId) ?? '') };
    });
  });
}

/** By what a message of a FIFO queue is known to be another's double: within its queue, or, where the queue says so, within its group. Null: by nothing. */
function deduplicationKey({ attributes }: Queue, { groupId, deduplicationId }: NewMessage): string | null {
  if (deduplicationId === null || attributes.kept['DeduplicationScope'] !== 'messageGroup') return deduplicationId;
  return JSON.stringify([groupId, deduplicationId]);
}

async function lockQueue(tx: Kysely<Database>, queue: Queue): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('hearth.queue'), hashtext(${queue.queueId}))`.execute(tx);
}

async function duplicates(tx: Kysely<Database>, queue: Queue, messages: readonly NewMessage[]): Promise<Map<string, Sent>> {
  const ids = messages.flatMap((m) => deduplicationKey(queue, m) ?? []);
  const { rows } = await sql<{ deduplication_id: string; message_id: string; seq: string }>`
    select deduplication_id, message_id, seq from hearth.message_deduplication
    where queue_id = ${queue.queueId} and deduplication_id = any(${ids}) and until > now()`.execute(tx);
  return new Map(rows.map((r) => [r.deduplication_id, { messageId: r.message_id, sequence: r.seq }]));
}

async function insert(tx: Kysely<Database>, queue: Queue, messages: readonly NewMessage[]): Promise<Map<string, string>> {
  if (messages.length === 0) return new Map();
  const documents = messages.map((m) => ({
    message_id: m.messageId,
    body: m.body,
    attributes: m.attributes,
    md5_body: m.md5Body,
    md5_attributes: m.md5Attributes,
    trace_header: m.traceHeader,
    sender: m.sender,
    group_id: m.groupId,
    deduplication_id: m.deduplicationId,
    deduplication_key: deduplicationKey(queue, m),
    delay: m.delaySeconds ?? queue.attributes.delaySeconds,
  }));
  const { rows } = await sql<{ message_id: string; seq: string }>`
    with given as materialized (
      select * from rows from (json_to_recordset(${JSON.stringify(documents)}::json) as (message_id text, body text, attributes jsonb, md5_body text,
        md5_attributes text, trace_header text, sender text, group_id text, deduplication_id text, deduplication_key text, delay float8)) with ordinality as r
    ), sent as (
      insert into hearth.message (queue_id, message_id, body, attributes, md5_body, md5_attributes, trace_header, sender, group_id, deduplication_id,
        visible_at)
      select ${queue.queueId}, message_id, body, attributes, md5_body, md5_attributes, trace_header, sender, group_id, deduplication_id,
        now() + delay * interval '1 second'
      from given order by ordinality
      returning seq, message_id
    ), remembered as (
      insert into hearth.message_deduplication (queue_id, deduplication_id, message_id, seq, until)
      select ${queue.queueId}, g.deduplication_key, s.message_id, s.seq, now() + ${DEDUPLICATION}
      from sent s join given g using (message_id) where g.deduplication_key is not null
      on conflict (queue_id, deduplication_id) do update set message_id = excluded.message_id, seq = excluded.seq, until = excluded.until
    ), told as (select pg_notify(${QUEUE_CHANNEL}, ${queue.queueId}))
    select sent.message_id, sent.seq from sent, told
  `.execute(tx);
  return new Map(rows.map((r) => [r.message_id, r.seq]));
}

interface ReceivedRow {
  readonly seq: string;
  readonly message_id: string;
  readonly body: string;
  readonly attributes: Record<string, MessageAttribute>;
  readonly md5_body: string;
  readonly md5_attributes: string | null;
  readonly trace_header: string | null;
  readonly sender: string;
  readonly group_id: string | null;
  readonly deduplication_id: string | null;
  readonly receipt: string;
  readonly receive_count: number;
  readonly sent_ms: number;
  readonly first_ms: number;
  readonly dead_letter_source: string | null;
  readonly moved: boolean;
}

export async function receive(db: Kysely<Database>, queue: Queue, how: Parameters<QueueStore['receive']>[1]): Promise<ReceivedMessage[]> {
  for (;;) {
    const rows = await db.transaction().execute((tx) => receiveOnce(tx, queue, how));
    const received = rows.filter((r) => !r.moved);
    // All that was due went to the dead letters: there may be others behind it.
    if (received.length > 0 || rows.length === 0) return inOrder(received, queue).map(messageOf);
  }
}

/** As they were sent: an update gives its rows in whatever order it found them. Of a FIFO queue each group by itself, that of the oldest first. */
function inOrder(rows: readonly ReceivedRow[], { attributes }: Queue): ReceivedRow[] {
  const sorted = rows.toSorted((a, b) => a.seq.length - b.seq.length || (a.seq < b.seq ? -1 : 1));
  if (!attributes.fifo) return sorted;
  const groups = new Map<string | null, ReceivedRow[]>();
  for (const row of sorted) {
    const group = groups.get(row.group_id);
    if (group === undefined) groups.set(row.group_id, [row]);
    else group.push(row);
  }
  return [...groups.values()].flat();
}

async function receiveOnce(tx: Kysely<Database>, queue: Queue, how: Parameters<QueueStore['receive']>[1]): Promise<ReceivedRow[]> {
  const { queueId, name, attributes } = queue;
  const limit = attributes.redrive?.maxReceiveCount;
  const gone = how.deadLetter === null || limit === undefined ? sql`false` : sql`m.receive_count >= ${limit}::int`;
  const kept = sql`sent_at > now() - ${attributes.retentionSeconds}::float8 * interval '1 second'`;
  if (attributes.fifo) await lockQueue(tx, queue);
  // What once came out of a standard queue has no group, and holds up none; among those of `not in`, null would hold up all.
  const due = attributes.fifo
    ? sql`
      with head as materialized (
        select c.seq, c.group_id from hearth.message c where c.queue_id = ${queueId} and c.visible_at <= now() and c.${kept}
          and (c.group_id is null or c.group_id not in (select h.group_id from hearth.message h
            where h.queue_id = ${queueId} and h.visible_at > now() and h.receipt is not null and h.group_id is not null))
        order by c.seq limit ${how.most}
      ), filled as (
        -- As many of a group as there are, as SQS does it, and then of the next.
        select rest.seq, g.first from (select group_id, min(seq) as first from head where group_id is not null group by group_id) g
          cross join lateral (select c.seq from hearth.message c where c.queue_id = ${queueId} and c.group_id = g.group_id and c.seq >= g.first
            and c.visible_at <= now() and c.${kept} order by c.seq limit ${how.most}) rest
        union all select seq, seq from head where group_id is null
      )
      select seq from filled order by first, seq limit ${how.most}`
    : sql`
      select c.seq from hearth.message c where c.queue_id = ${queueId} and c.visible_at <= now() and c.${kept}
      order by c.visible_at, c.seq limit ${how.most} for update skip locked`;
  const { rows } = await sql<ReceivedRow>`
    with due as materialized (${due})
    update hearth.message m set
      queue_id = case when ${gone} then ${how.deadLetter?.queueId ?? queueId} else m.queue_id end,
      visible_at = case when ${gone} then now() else now() + ${how.visibilitySeconds}::float8 * interval '1 second' end,
      receive_count = case when ${gone} then 0 else m.receive_count + 1 end,
      first_received_at = case when ${gone} then null else coalesce(m.first_received_at, now()) end,
      receipt = case when ${gone} then null else gen_random_uuid()::text end,
      polled = ${how.polled === true} and not (${gone}),
      dead_letter_source = case when ${gone} then ${name} else m.dead_letter_source end
    from due where m.seq = due.seq
    returning m.seq, message_id, body, attributes, md5_body, md5_attributes, trace_header, sender, group_id, deduplication_id, receipt, receive_count,
      (extract(epoch from sent_at) * 1000)::float8 as sent_ms, (extract(epoch from first_received_at) * 1000)::float8 as first_ms,
      dead_letter_source, receipt is null as moved
  `.execute(tx);
  if (how.deadLetter !== null && rows.some((r) => r.moved))
    await sql`select pg_notify(${QUEUE_CHANNEL}, ${how.deadLetter.queueId})`.execute(tx);
  return rows;
}

function messageOf(row: ReceivedRow): ReceivedMessage {
  return {
    messageId: row.message_id,
    sequence: row.seq,
    body: row.body,
    attributes: row.attributes,
    md5Body: row.md5_body,
    md5Attributes: row.md5_attributes,
    traceHeader: row.trace_header,
    sender: row.sender,
    groupId: row.group_id,
    deduplicationId: row.deduplication_id,
    receipt: `${row.seq}.${row.receipt}`,
    receiveCount: row.receive_count,
    sentAtMs: row.sent_ms,
    firstReceivedAtMs: row.first_ms,
    deadLetterSource: row.dead_letter_source,
  };
}

/** A receipt taken apart; null when it is none. */
function receiptOf(text: string): { seq: string; token: string } | null {
  const [, seq, token] = /^(\d{1,18})\.([0-9a-f-]{36})$/.exec(text) ?? [];
  return seq === undefined || token === undefined ? null : { seq, token };
}

export async function deleteMessages(db: Kysely<Database>, queueId: string, receipts: readonly string[]): Promise<Set<string>> {
  const parts = receipts.flatMap((r) => receiptOf(r) ?? []);
  const { rows } = await sql<{ receipt: string }>`
    delete from hearth.message m using unnest(${parts.map((p) => p.seq)}::int8[], ${parts.map((p) => p.token)}::text[]) as r(seq, token)
    where m.seq = r.seq and m.queue_id = ${queueId} and m.receipt = r.token
    returning m.seq || '.' || m.receipt as receipt`.execute(db);
  return new Set(rows.map((r) => r.receipt));
}

export async function expired(db: Kysely<Database>, queueId: string, receipts: readonly string[]): Promise<Set<string>> {
  const parts = receipts.flatMap((r) => receiptOf(r) ?? []);
  const { rows } = await sql<{ receipt: string }>`
    select m.seq || '.' || m.receipt as receipt
    from hearth.message m join unnest(${parts.map((p) => p.seq)}::int8[], ${parts.map((p) => p.token)}::text[]) as r(seq, token) using (seq)
    where m.queue_id = ${queueId} and m.receipt = r.token and m.visible_at <= now()`.execute(db);
  return new Set(rows.map((r) => r.receipt));
}

export async function hide(
  db: Kysely<Database>,
  queueId: string,
  { hidden, undo }: { hidden: readonly { receipt: string; seconds: number }[]; undo: boolean },
): Promise<Set<string>> {
  const parts = hidden.flatMap(({ receipt, seconds }) => {
    const part = receiptOf(receipt);
    return part === null ? [] : [{ ...part, seconds }];
  });
  const { rows } = await sql<{ receipt: string }>`
    with changed as (
      update hearth.message m
      set visible_at = now() + r.seconds * interval '1 second', polled = false, receive_count = greatest(0, m.receive_count - ${undo ? 1 : 0}::int)
      from unnest(${parts.map((p) => p.seq)}::int8[], ${parts.map((p) => p.token)}::text[], ${parts.map((p) => p.seconds)}::float8[])
        as r(seq, token, seconds)
      -- Until another receives it, a receipt of a standard queue holds beyond its time, as on SQS.
      where m.seq = r.seq and m.queue_id = ${queueId} and m.receipt = r.token and (m.visible_at > now()
        or not (select (q.attributes->>'fifo')::bool from hearth.queue q where q.queue_id = m.queue_id))
      returning m.seq || '.' || m.receipt as receipt
    ), told as (select pg_notify(${QUEUE_CHANNEL}, ${queueId}))
    select receipt from changed, told`.execute(db);
  return new Set(rows.map((r) => r.receipt));
}

/** Deletes all messages, and forgets what was sent: what is sent again is new. */
export async function purge(db: Kysely<Database>, queueId: string): Promise<void> {
  await sql`
    with forgotten as (delete from hearth.message_deduplication where queue_id = ${queueId})
    delete from hearth.message where queue_id = ${queueId}`.execute(db);
}

export async function giveBack(db: Kysely<Database>): Promise<number> {
  const { numAffectedRows } = await sql`
    update hearth.message set visible_at = sent_at, polled = false where polled`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

export async function depth(db: Kysely<Database>, queueId: string): Promise<QueueDepth> {
  const { rows } = await sql<QueueDepth>`
    select (count(*) filter (where visible_at <= now()))::float8 as visible,
      (count(*) filter (where visible_at > now() and receive_count > 0))::float8 as "inFlight",
      (count(*) filter (where visible_at > now() and receive_count = 0))::float8 as delayed
    from hearth.message where queue_id = ${queueId}`.execute(db);
  return rows[0] ?? { visible: 0, inFlight: 0, delayed: 0 };
}

export async function sweep(db: Kysely<Database>): Promise<number> {
  await sql`delete from hearth.message_deduplication where until < now()`.execute(db);
  const { numAffectedRows } = await sql`
    delete from hearth.message where seq in (
      select m.seq from hearth.message m join hearth.queue q using (queue_id)
      where m.sent_at < now() - (q.attributes->>'retentionSeconds')::float8 * interval '1 second' limit ${sql.lit(SWEEP_BATCH)}
      -- What is just being moved out of dead letters begins anew.
      for update of m skip locked)`.execute(db);
  return Number(numAffectedRows ?? 0n);
}
