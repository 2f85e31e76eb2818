import { sql } from 'kysely';
import type { Kysely, RawBuilder, Transaction } from 'kysely';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

const DAY_MS = 86_400_000;

/** Longest that a partition's lock is waited for: whoever writes usage waits behind. */
const LOCK_MS = 500;

/** Days of usage that are over: what they came to is kept apart from their records. Days are of UTC. */
export interface UsageDays {
  /**
   * One step, all or nothing: removes the records of a day before that of `removeBeforeMs` (null: none), after which its sums stand for it; or else sums up
   * a day before that of `sumBeforeMs`, the oldest that is not. False: there is nothing to do. A day that is being read or written just then is
   * waited for only shortly; that throws.
   */
  tidy(due: { readonly sumBeforeMs: number; readonly removeBeforeMs: number | null }): Promise<boolean>;
}

/** The days of usage in PostgreSQL. */
export function usageDays(db: Kysely<Database>, run: Run): UsageDays {
  return { tidy: (due) => run(() => tidy(db, due)) };
}

/** Days, of those that lie wholly within [from, to), that are summed up while their records are there; in order, `2026-11-28`. */
export async function summedDays(db: Kysely<Database>, from: RawBuilder<Date>, to: RawBuilder<Date>): Promise<string[]> {
  const { rows } = await sql<{ day: string }>`
    select day::text as day from hearth.usage_day
    where day::timestamp at time zone 'UTC' >= ${from} and (day + 1)::timestamp at time zone 'UTC' <= ${to}
    order by usage_day.day
  `.execute(db);
  return rows.map((row) => row.day);
}

/** That the records of a query are of none of those days (in order), in words from which the planner sees which partitions it need not look at. */
export function apartFrom(days: readonly string[]): RawBuilder<boolean> {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return sql<boolean>`true`;
  return sql<boolean>`(day < ${first}::date or day > ${last}::date or day = any(${between(first, last, new Set(days))}::date[]))`;
}

function between(first: string, last: string, without: ReadonlySet<string>): string[] {
  const found: string[] = [];
  for (let ms = Date.parse(first); ms < Date.parse(last); ms += DAY_MS) if (!without.has(textOf(ms))) found.push(textOf(ms));
  return found;
}

async function tidy(db: Kysely<Database>, { sumBeforeMs, removeBeforeMs }: Parameters<UsageDays['tidy']>[0]): Promise<boolean> {
  const days = await partitions(db);
  if (removeBeforeMs !== null) {
    const before = textOf(removeBeforeMs);
    const [old] = days;
    if (old !== undefined && old < before) {
      await remove(db, old);
      return true;
    }
    if (await removeStray(db, before)) return true;
  }
  const before = textOf(sumBeforeMs);
  const summed = new Set(
    (await sql<{ day: string }>`select day::text as day from hearth.usage_day`.execute(db)).rows.map((row) => row.day),
  );
  const open = days.find((day) => day < before && !summed.has(day));
  if (open === undefined) return false;
  await sumUp(db, open);
  return true;
}

/** The days that have a partition, in order. */
async function partitions(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'hearth.usage'::regclass and c.relname ~ '^usage_[0-9]{8}$' order by 1
  `.execute(db);
  return rows.map(({ name }) => name.replace(/^usage_(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'));
}

/** Nobody adds to the day meanwhile; who does so afterwards opens it again. */
function sumUp(db: Kysely<Database>, day: string): Promise<void> {
  return alone(db, async (tx) => {
    const table = partition(day);
    await sql`
      create or replace trigger usage_day_reopened after insert on ${table} for each row execute function hearth.usage_day_reopened()
    `.execute(tx);
    const marked = await sql`insert into hearth.usage_day (day) values (${day}::date) on conflict do nothing`.execute(tx);
    // Another may have been at it while this one waited for the table.
    if (marked.numAffectedRows === 1n) await addSums(tx, table, true);
  });
}

function remove(db: Kysely<Database>, day: string): Promise<void> {
  return alone(db, async (tx) => {
    const table = partition(day);
    await sql`lock table ${table} in share mode`.execute(tx);
    await sql`delete from hearth.usage_sum where day = ${day}::date and kept`.execute(tx);
    await sql`delete from hearth.usage_day where day = ${day}::date`.execute(tx);
    await addSums(tx, table, false);
    await sql`drop table ${table}`.execute(tx);
  });
}

/** The same of what is in no day's partition: of clocks that were far off, or come to a day that was removed. Says whether there was any. */
async function removeStray(db: Kysely<Database>, before: string): Promise<boolean> {
  const removed = await sql`
    with stray as (delete from hearth.usage_default where day < ${before}::date returning *)
    ${insertSums(sql`stray`, false)}
  `.execute(db);
  return (removed.numAffectedRows ?? 0n) > 0n;
}

async function addSums(tx: Transaction<Database>, table: RawBuilder<unknown>, kept: boolean): Promise<void> {
  await insertSums(table, kept).execute(tx);
}

function insertSums(records: RawBuilder<unknown>, kept: boolean): RawBuilder<unknown> {
  return sql`
    insert into hearth.usage_sum as had (account_id, region, day, function_id, function_name, kept,
      invocations, errors, cold_starts, billed_ms, mb_ms, bytes_in, bytes_out, first_at, last_at)
    select account_id, region, day, function_id, function_name, ${sql.lit(kept)},
      count(*), count(*) filter (where outcome <> 'ok'), count(cold_rung), sum(billed_ms), sum(billed_ms::numeric * memory_mb),
      sum(bytes_in), sum(bytes_out), min(started_at), max(started_at)
    from ${records} group by account_id, region, day, function_id, function_name
    on conflict (day, function_id, function_name, account_id, region, kept) do update set
      invocations = had.invocations + excluded.invocations, errors = had.errors + excluded.errors,
      cold_starts = had.cold_starts + excluded.cold_starts, billed_ms = had.billed_ms + excluded.billed_ms, mb_ms = had.mb_ms + excluded.mb_ms,
      bytes_in = had.bytes_in + excluded.bytes_in, bytes_out = had.bytes_out + excluded.bytes_out,
      first_at = least(had.first_at, excluded.first_at), last_at = greatest(had.last_at, excluded.last_at)
  `;
}

function alone(db: Kysely<Database>, work: (tx: Transaction<Database>) => Promise<void>): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await sql`set local lock_timeout = ${sql.lit(LOCK_MS)}`.execute(tx);
    await work(tx);
  });
}

function partition(day: string): RawBuilder<unknown> {
  return sql.id('hearth', `usage_${day.replaceAll('-', '')}`);
}

function textOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
