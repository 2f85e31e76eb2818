import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { HearthError } from '../errors.ts';
import type { MoveStore, StoredMove } from '../queues/move-store.ts';
import { isForeignKeyViolation, isUniqueViolation } from './database-error.ts';
import type { Run } from './functions.ts';
import { QUEUE_CHANNEL } from './messages.ts';
import type { Database } from './schema.ts';

/** Tasks that are remembered of one queue, as on SQS. */
const REMEMBERED = 10;

interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** Tasks that move messages, in PostgreSQL. */
export function moveStore(db: Kysely<Database>, run: Run, place: Place): MoveStore {
  return {
    all: () => run(() => all(db, place)),
    begin: (task) => run(() => begin(db, task)),
    step: (task, most) =>
      run(() =>
        db
          .transaction()
          .execute((tx) => step(tx, task, { most, place }))
          .catch(withoutTarget),
      ),
    become: (handle, status, failure) =>
      run(async () => {
        await sql`update hearth.message_move set status = ${status}, failure = ${failure} where handle = ${handle} and status in ('RUNNING', 'CANCELLING')`.execute(
          db,
        );
      }),
  };
}

/** The queue that messages were to go to was removed meanwhile. */
function withoutTarget(cause: unknown): never {
  if (!isForeignKeyViolation(cause)) throw cause;
  throw new HearthError('QueueDoesNotExist', 'The specified queue does not exist.', { cause });
}

interface Row extends Omit<StoredMove, 'to'> {
  readonly target_id: string | null;
  readonly target_name: string | null;
}

async function all(db: Kysely<Database>, { accountId, region }: Place): Promise<StoredMove[]> {
  const { rows } = await sql<Row>`
    select m.handle, m.source_id as "sourceId", m.target_id, m.target_name, m.per_second as "perSecond", m.until_seq::text as until, m.planned::float8 as planned,
      m.moved::float8 as moved, m.status, m.failure, (extract(epoch from m.started_at) * 1000)::float8 as "startedAtMs"
    from hearth.message_move m join hearth.queue q on q.queue_id = m.source_id
    where q.account_id = ${accountId} and q.region = ${region} order by m.started_at desc, m.handle`.execute(db);
  return rows.map(({ target_id: queueId, target_name: name, ...row }) => ({
    ...row,
    to: queueId === null || name === null ? null : { queueId, name },
  }));
}

async function begin(db: Kysely<Database>, task: Parameters<MoveStore['begin']>[0]): ReturnType<MoveStore['begin']> {
  const { handle, sourceId, to, perSecond, startedAtMs } = task;
  try {
    return await db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ until: string; planned: number }>`
        insert into hearth.message_move (handle, source_id, target_id, target_name, per_second, until_seq, planned, started_at)
        select ${handle}, ${sourceId}, ${to?.queueId ?? null}, ${to?.name ?? null}, ${perSecond}::int, coalesce(max(seq), 0),
          count(*) filter (where visible_at <= now()), greatest(now(), to_timestamp(${startedAtMs}::float8 / 1000))
        from hearth.message where queue_id = ${sourceId}
        returning until_seq::text as until, planned::float8 as planned`.execute(tx);
      await sql`
        delete from hearth.message_move where source_id = ${sourceId} and status not in ('RUNNING', 'CANCELLING') and handle not in (
          select handle from hearth.message_move where source_id = ${sourceId} order by started_at desc, handle limit ${sql.lit(REMEMBERED)})`.execute(
        tx,
      );
      return rows[0] ?? null;
    });
  } catch (error) {
    if (isUniqueViolation(error)) return null;
    throw error;
  }
}

async function step(
  tx: Kysely<Database>,
  task: Parameters<MoveStore['step']>[0],
  { most, place }: { readonly most: number; readonly place: Place },
): Promise<number> {
  const moved = await move(tx, task, { most, place });
  if (moved > 0) await sql`update hearth.message_move set moved = moved + ${moved}::int where handle = ${task.handle}`.execute(tx);
  return moved;
}

type Task = Parameters<MoveStore['step']>[0];

/** What it has moved was sent anew: of what comes back it moves nothing again, or a task beside a function that still fails would have no end. */
async function move(
  tx: Kysely<Database>,
  { handle, from, to, until }: Task,
  { most, place }: { most: number; place: Place },
): Promise<number> {
  const target =
    to === null
      ? sql`(select q.queue_id from hearth.queue q where q.account_id = ${place.accountId} and q.region = ${place.region} and q.name = m.dead_letter_source)`
      : sql`${to.queueId}::text`;
  const { rows } = await sql<{ queue_id: string }>`
    with due as materialized (
      select m.seq, ${target} as target from hearth.message m
      where m.queue_id = ${from.queueId} and m.seq <= ${until}::int8 and m.visible_at <= now() and ${target} is not null
        and m.sent_at <= (select t.started_at from hearth.message_move t where t.handle = ${handle})
      order by m.seq limit ${most} for update of m skip locked
    )
    update hearth.message m set queue_id = due.target, visible_at = now(), receive_count = 0, first_received_at = null, receipt = null,
      polled = false, dead_letter_source = null, sent_at = now()
    from due where m.seq = due.seq returning m.queue_id`.execute(tx);
  for (const queueId of new Set(rows.map((r) => r.queue_id))) await sql`select pg_notify(${QUEUE_CHANNEL}, ${queueId})`.execute(tx);
  return rows.length;
}
