import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Rung } from '../model/instance.ts';
import type { Outcome, UsageRecord } from '../model/usage.ts';
import type { Database } from './schema.ts';
import type { UsageStore } from './store.ts';
import { apartFrom, summedDays } from './usage-days.ts';

type Query = Parameters<UsageStore['recent']>[0];

/** What PostgreSQL's timestamps and dates take from JavaScript: the years 1 to 9999. */
const TIME_RANGE = { fromMs: -62_135_596_800_000, toMs: 253_402_300_799_000 };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Looked through one after the other until there is enough, since a block range index finds a time but keeps no order. */
const WINDOWS_MS = [HOUR_MS, DAY_MS];
/** Days of partitions that are asked for one invocation before all are: the key begins with the day. */
const DAYS_BACK = [2, 32];

/** A time as PostgreSQL takes it. */
export function at(ms: number): RawBuilder<Date> {
  const clamped = Math.min(Math.max(ms, TIME_RANGE.fromMs), TIME_RANGE.toMs);
  return sql<Date>`to_timestamp(${clamped}::float8 / 1000)`;
}

/** The newest first. */
export async function recent(db: Kysely<Database>, query: Query, nowMs: number): Promise<UsageRecord[]> {
  for (const window of WINDOWS_MS) {
    const since = at(nowMs - window);
    const found = await newest(db, query, sql<boolean>`day >= (${since} at time zone 'UTC')::date and started_at >= ${since}`);
    if (found.length >= query.limit) return found;
  }
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => {
      const summed = await summedDays(tx, at(TIME_RANGE.fromMs), at(TIME_RANGE.toMs));
      const needed = await daysOf(tx, query);
      return newest(tx, query, sql<boolean>`(${apartFrom(summed)} or day = any(${needed}::date[]))`);
    });
}

/** Of the days that are summed up, the newest in which there is enough of what is asked for: nothing of it is in others. */
async function daysOf(db: Kysely<Database>, { functionName, coldOnly, limit }: Query): Promise<string[]> {
  const found = sql.ref(coldOnly === true ? 'cold_starts' : 'invocations');
  const { rows } = await sql<{ day: string }>`
    select day from (
      select day::text as day, sum(sum(${found})) over (order by usage_sum.day desc) - sum(${found}) as newer
      from hearth.usage_sum
      where kept and ${found} > 0 and ${functionName === undefined ? sql`true` : sql`function_name = ${functionName}`}
      group by usage_sum.day
    ) as days where newer < ${limit}
  `.execute(db);
  return rows.map((row) => row.day);
}

/** The records of one invocation, by attempt. */
export async function attempts(db: Kysely<Database>, requestId: string, nowMs: number): Promise<UsageRecord[]> {
  for (const back of DAYS_BACK) {
    const days = Array.from({ length: back + 1 }, (_, i) => new Date(nowMs + DAY_MS - i * DAY_MS).toISOString().slice(0, 10));
    const found = await records(db)
      .where(sql<boolean>`day = any(${days}::date[])`)
      .where('request_id', '=', requestId)
      .orderBy('attempt')
      .execute();
    if (found.length > 0) return found.map(asRecord);
  }
  return (await records(db).where('request_id', '=', requestId).orderBy('attempt').execute()).map(asRecord);
}

async function newest(db: Kysely<Database>, query: Query, where: RawBuilder<boolean>): Promise<UsageRecord[]> {
  const rows = await records(db)
    .where(where)
    .$if(query.functionName !== undefined, (q) => q.where('function_name', '=', query.functionName ?? ''))
    .$if(query.coldOnly === true, (q) => q.where('cold_rung', 'is not', null))
    .orderBy('started_at', 'desc')
    .orderBy('request_id')
    .orderBy('attempt', 'desc')
    .limit(query.limit)
    .execute();
  return rows.map(asRecord);
}

function records(db: Kysely<Database>) {
  return db
    .selectFrom('hearth.usage')
    .select(['request_id', 'attempt', 'account_id', 'function_id', 'function_name', 'version', 'revision_id', 'instance_id'])
    .select(['duration_ms', 'billed_ms', 'init_ms', 'init_billed', 'memory_mb', 'memory_used_mb', 'cold_rung', 'cold_ms'])
    .select(['bytes_in', 'bytes_out', 'outcome', 'queued_ms', 'handler_ms', 'start'])
    .select(sql<number>`(extract(epoch from started_at) * 1000)::float8`.as('started_ms'));
}

type Row = Awaited<ReturnType<ReturnType<typeof records>['execute']>>[number];

function asRecord(row: Row): UsageRecord {
  return {
    requestId: row.request_id,
    attempt: row.attempt,
    accountId: row.account_id,
    functionId: row.function_id,
    functionName: row.function_name,
    version: row.version,
    revisionId: row.revision_id,
    instanceId: row.instance_id,
    startedAtMs: row.started_ms,
    durationMs: row.duration_ms,
    billedMs: Number(row.billed_ms),
    initMs: row.init_ms,
    initBilled: row.init_billed,
    memoryMb: row.memory_mb,
    memoryUsedMb: row.memory_used_mb,
    coldRung: row.cold_rung as Rung | null,
    coldMs: row.cold_ms,
    bytesIn: Number(row.bytes_in),
    bytesOut: Number(row.bytes_out),
    outcome: row.outcome as Outcome,
    // Recorded before there was a column for it: all that is known of the wait is what a start took.
    queuedMs: row.queued_ms ?? row.cold_ms,
    handlerMs: row.handler_ms,
    start: row.start,
  };
}
