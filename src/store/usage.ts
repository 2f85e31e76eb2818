import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../lib/clock.ts';
import type { UsageRecord } from '../model/usage.ts';
import { databaseError, isUnavailable } from './database-error.ts';
import type { Run } from './functions.ts';
import type { Log } from './log.ts';
import type { Database } from './schema.ts';
import type { UsageStore } from './store.ts';
import { copyUsage } from './usage-copy.ts';
import { COLUMNS, daysToPrepare, makePartition } from './usage-partitions.ts';
import { attempts, recent } from './usage-records.ts';
import { totals } from './usage-totals.ts';

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
