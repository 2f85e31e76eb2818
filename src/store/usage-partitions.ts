import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from './schema.ts';

const DAY_MS = 86_400_000;

/** A start further than this from now gets no partition of its own: one wrong clock must not make thousands. */
const WINDOW_DAYS = 31;

/** How many days ahead of today have their partition. */
const AHEAD_DAYS = 3;

/** Day of a time, counted from the epoch in UTC. */
function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** The days that a batch of starts needs and that may have a partition, with today and the days ahead. */
export function daysToPrepare(startsMs: Iterable<number>, nowMs: number): number[] {
  const today = dayOf(nowMs);
  const days = new Set(Array.from({ length: AHEAD_DAYS + 1 }, (_, ahead) => today + ahead));
  for (const startMs of startsMs) {
    const day = dayOf(startMs);
    if (Math.abs(day - today) <= WINDOW_DAYS) days.add(day);
  }
  return [...days].sort((a, b) => a - b);
}

/**
 * Makes the partition of a day if it is missing, taking along what had come to rest in the default partition.
 * Two at once are safe: the second waits for the first, then finds it made.
 */
export async function makePartition(db: Kysely<Database>, day: number): Promise<void> {
  const date = dateText(day);
  const name = `usage_${date.replaceAll('-', '')}`;
  const table = sql.id('hearth', name);
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('hearth.usage'))`.execute(tx);
    const present = await sql<{ found: string | null }>`select to_regclass(${`hearth.${name}`})::text as found`.execute(tx);
    if (present.rows[0]?.found !== null) return;
    await sql`create table ${table} (like hearth.usage including all)`.execute(tx);
    await sql`
      with moved as (delete from hearth.usage_default where day = ${date}::date returning ${sql.raw(COLUMNS)})
      insert into ${table} (${sql.raw(COLUMNS)}) select ${sql.raw(COLUMNS)} from moved
    `.execute(tx);
    await sql`alter table hearth.usage attach partition ${table} for values from (${sql.lit(date)}) to (${sql.lit(dateText(day + 1))})`.execute(
      tx,
    );
  });
}

/** Every column. */
export const COLUMNS =
  'account_id, region, day, request_id, attempt, function_id, function_name, version, revision_id, instance_id, started_at, duration_ms, billed_ms, ' +
  'init_ms, init_billed, memory_mb, memory_used_mb, cold_rung, cold_ms, bytes_in, bytes_out, outcome, queued_ms, handler_ms, start';

function dateText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
