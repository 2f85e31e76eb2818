import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Queue, QueueAttributes } from '../model/queue.ts';
import type { QueueStore } from '../queues/queue-store.ts';
import { isUniqueViolation } from './database-error.ts';
import type { Run } from './functions.ts';
import type { Listen } from './listener.ts';
import { moveStore } from './message-moves.ts';
import { deleteMessages, depth, expired, giveBack, hide, purge, QUEUE_CHANNEL, receive, send, sweep } from './messages.ts';
import type { Database } from './schema.ts';

interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** Queues and messages in PostgreSQL. */
export function queueStore(db: Kysely<Database>, run: Run, { place, listen }: { place: Place; listen: Listen }): QueueStore {
  return {
    all: () => run(() => all(db, place)),
    create: (queue) => run(() => create(db, place, queue)),
    change: (queueId, change) => run(() => change_(db, queueId, change)),
    remove: (queueId) => run(async () => void (await sql`delete from hearth.queue where queue_id = ${queueId}`.execute(db))),
    send: (queue, messages) => run(() => send(db, queue, messages)),
    receive: (queue, how) => run(() => receive(db, queue, how)),
    delete: (queueId, receipts) => run(() => deleteMessages(db, queueId, receipts)),
    expired: (queueId, receipts) => run(() => expired(db, queueId, receipts)),
    hide: (queueId, hidden, undo = false) => run(() => hide(db, queueId, { hidden, undo })),
    giveBack: () => run(() => giveBack(db)),
    moves: moveStore(db, run, place),
    purge: (queueId) => run(() => purge(db, queueId)),
    depth: (queueId) => run(() => depth(db, queueId)),
    sweep: () => run(() => sweep(db)),
    listen: (listener) => listen(QUEUE_CHANNEL, (queueId) => listener(queueId === '' ? null : queueId)),
  };
}

interface Row {
  readonly queue_id: string;
  readonly name: string;
  readonly attributes: QueueAttributes;
  readonly tags: Record<string, string>;
  readonly created_ms: number;
  readonly modified_ms: number;
}

const COLUMNS = sql.raw(
  `queue_id, name, attributes, tags, (extract(epoch from created_at) * 1000)::float8 as created_ms,
   (extract(epoch from modified_at) * 1000)::float8 as modified_ms`,
);

function queueOf(row: Row): Queue {
  const { queue_id: queueId, name, attributes, tags, created_ms: createdAtMs, modified_ms: modifiedAtMs } = row;
  return { queueId, name, attributes, tags, createdAtMs, modifiedAtMs };
}

async function all(db: Kysely<Database>, { accountId, region }: Place): Promise<Queue[]> {
  const { rows } = await sql<Row>`
    select ${COLUMNS} from hearth.queue where account_id = ${accountId} and region = ${region} order by name`.execute(db);
  return rows.map(queueOf);
}

async function create(db: Kysely<Database>, place: Place, queue: Parameters<QueueStore['create']>[0]): Promise<Queue | null> {
  try {
    const { rows } = await sql<Row>`
      insert into hearth.queue (account_id, region, name, queue_id, attributes, tags)
      values (${place.accountId}, ${place.region}, ${queue.name}, gen_random_uuid()::text, ${JSON.stringify(queue.attributes)}::jsonb,
        ${JSON.stringify(queue.tags)}::jsonb)
      returning ${COLUMNS}`.execute(db);
    return rows[0] === undefined ? null : queueOf(rows[0]);
  } catch (error) {
    if (isUniqueViolation(error)) return null;
    throw error;
  }
}

async function change_(db: Kysely<Database>, queueId: string, change: Parameters<QueueStore['change']>[1]): Promise<void> {
  await sql`
    update hearth.queue set attributes = ${JSON.stringify(change.attributes)}::jsonb, tags = ${JSON.stringify(change.tags)}::jsonb, modified_at = now()
    where queue_id = ${queueId}`.execute(db);
}
