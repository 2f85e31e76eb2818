import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../lib/clock.ts';
import type { UsageRecord } from '../model/usage.ts';
import { databaseError, isUnavailable } from './database-error.ts';
import type { Run } from './functions.ts';
import type { Log } from './log.ts';
import type { Database } from './schema.ts';
import type { UsageStore, UsageTotals } from './store.ts';
import { copyUsage } from './usage-copy.ts';
import { COLUMNS, daysToPrepare, makePartition } from './usage-partitions.ts';
import { at, attempts, recent } from './usage-records.ts';

export interface UsageOptions {
  /** Of the same database. */
  readonly pool: Pool;
  /** Region of this server, part of the key. */
  readonly region: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Usage records in PostgreSQL. */
export function usageStore(db: Kysely<Database>, run: Run, options: UsageOptions): UsageStore {
  const prepared = new Set<number>();
  return {
    append: (records) =>
      run(async () => {
        if (records.length === 0) return;
        await prepare(db, records, { ...options, prepared });
        await write(db, records, options);
      }),
    totals: (query) => run(() => totals(db, query)),
    recent: (query) => run(() => recent(db, query, options.clock.now())),
    attempts: (requestId) => run(() => attempts(db, requestId, options.clock.now())),
  };
}

async function prepare(
  db: Kysely<Database>,
  records: readonly UsageRecord[],
  { clock, log, prepared }: UsageOptions & { prepared: Set<number> },
): Promise<void> {
  for (const day of daysToPrepare(
    records.map((r) => r.startedAtMs),
    clock.now(),
  )) {
    if (prepared.has(day)) continue;
    try {
      await makePartition(db, day);
      prepared.add(day);
    } catch (error) {
      // Away altogether, the insert would fail as well. Otherwise the default partition takes the records.
      const translated = databaseError(error);
      if (translated.code === 'ServiceUnavailable') throw translated;
      log.warn({ err: error, day }, 'a partition for usage could not be made; its records go to the default one');
    }
  }
}

/** Copied, as nearly all are; or inserted where some are there already (a commit whose answer was lost), or a time is none that COPY can read. */
async function write(db: Kysely<Database>, records: readonly UsageRecord[], { pool, region }: UsageOptions): Promise<void> {
  try {
    await copyUsage(pool, records, region);
  } catch (error) {
    if (isUnavailable(error)) throw error;
    await insert(db, records, region);
  }
}

/**
 * One statement whatever the number of records, which travel as one JSON text: made natively, it holds up the event
 * loop for a tenth of the time that an array parameter for each column takes.
 */
async function insert(db: Kysely<Database>, records: readonly UsageRecord[], region: string): Promise<void> {
  await sql`
    insert into hearth.usage (${sql.raw(COLUMNS)})
    select r."accountId", ${region}, (to_timestamp(r."startedAtMs" / 1000) at time zone 'UTC')::date, r."requestId", r.attempt, r."functionId",
      r."functionName", r.version, r."revisionId", r."instanceId", to_timestamp(r."startedAtMs" / 1000), r."durationMs", r."billedMs", r."initMs",
      r."initBilled", r."memoryMb", r."memoryUsedMb", r."coldRung", r."coldMs", r."bytesIn", r."bytesOut", r.outcome,
      r."queuedMs", r."handlerMs", r.start
    from json_to_recordset(${JSON.stringify(records)}::json) as r(
      "accountId" text, "requestId" text, attempt int, "functionId" text, "functionName" text, version text, "revisionId" text, "instanceId" text,
      "startedAtMs" float8, "durationMs" float8, "billedMs" int8, "initMs" float8, "initBilled" bool, "memoryMb" int, "memoryUsedMb" float8,
      "coldRung" text, "coldMs" float8, "bytesIn" int8, "bytesOut" int8, outcome text,
      "queuedMs" float8, "handlerMs" float8, start jsonb)
    on conflict do nothing
  `.execute(db);
}

async function totals(db: Kysely<Database>, query: Parameters<UsageStore['totals']>[0]): Promise<UsageTotals[]> {
  const from = at(query.fromMs);
  const to = at(query.toMs);
  const rows = await db
    .selectFrom('hearth.usage')
    .select([
      'function_name as functionName',
      sql<number>`count(*)::float8`.as('invocations'),
      sql<number>`(count(*) filter (where outcome <> 'ok'))::float8`.as('errors'),
      sql<number>`count(cold_rung)::float8`.as('coldStarts'),
      sql<number>`sum(billed_ms)::float8`.as('billedMs'),
      // Exact: 1/1024 GB a MB times 1/1000 s a ms is a finite decimal. A division would be rounded.
      sql<string>`trim_scale(sum(billed_ms::numeric * memory_mb) * 0.0000009765625)::text`.as('gbSeconds'),
      sql<number>`sum(bytes_in)::float8`.as('bytesIn'),
      sql<number>`sum(bytes_out)::float8`.as('bytesOut'),
      sql<number>`(extract(epoch from min(started_at)) * 1000)::float8`.as('firstAtMs'),
      sql<number>`(extract(epoch from max(started_at)) * 1000)::float8`.as('lastAtMs'),
    ])
    // The days let the planner leave out partitions; the times decide.
    .where(sql<boolean>`day between (${from} at time zone 'UTC')::date and (${to} at time zone 'UTC')::date`)
    .where(sql<boolean>`started_at >= ${from} and started_at < ${to}`)
    .$if(query.functionName !== undefined, (q) => q.where('function_name', '=', query.functionName ?? ''))
    .groupBy('function_name')
    .orderBy('function_name')
    .execute();
  return rows;
}
