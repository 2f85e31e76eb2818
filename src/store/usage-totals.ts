import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from './schema.ts';
import type { UsageStore, UsageTotals } from './store.ts';
import { apartFrom, summedDays } from './usage-days.ts';
import { at } from './usage-records.ts';

/**
 * Sums by function: of days that lie within the window and are summed up as they are, of others record by record. A day whose records were removed
 * counts whole, for the window in which it begins, so that windows that follow one another come to what one over both does.
 */
export function totals(db: Kysely<Database>, query: Parameters<UsageStore['totals']>[0]): Promise<UsageTotals[]> {
  const [from, to] = [at(query.fromMs), at(query.toMs)];
  const ofFunction = query.functionName === undefined ? sql`true` : sql`function_name = ${query.functionName}`;
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => {
      // Both reads see the same: no day is removed meanwhile, and none that is summed up or opened again is so for one of them only.
      await sql`lock table only hearth.usage in access share mode`.execute(tx);
      const summed = await summedDays(tx, from, to);
      // GB-seconds are exact: 1/1024 GB a MB times 1/1000 s a ms is a finite decimal. A division would be rounded.
      const { rows } = await sql<UsageTotals>`
      select function_name as "functionName", sum(invocations)::float8 as invocations, sum(errors)::float8 as errors, sum(cold_starts)::float8 as "coldStarts",
        sum(billed_ms)::float8 as "billedMs", trim_scale(sum(mb_ms) * 0.0000009765625)::text as "gbSeconds",
        sum(bytes_in)::float8 as "bytesIn", sum(bytes_out)::float8 as "bytesOut",
        (extract(epoch from min(first_at)) * 1000)::float8 as "firstAtMs", (extract(epoch from max(last_at)) * 1000)::float8 as "lastAtMs"
      from (
        select function_name, count(*) as invocations, count(*) filter (where outcome <> 'ok') as errors, count(cold_rung) as cold_starts,
          sum(billed_ms) as billed_ms, sum(billed_ms::numeric * memory_mb) as mb_ms, sum(bytes_in) as bytes_in, sum(bytes_out) as bytes_out,
          min(started_at) as first_at, max(started_at) as last_at
        from hearth.usage
        -- The days let the planner leave out partitions; the times decide.
        where day between (${from} at time zone 'UTC')::date and (${to} at time zone 'UTC')::date and started_at >= ${from} and started_at < ${to}
          and ${apartFrom(summed)} and ${ofFunction}
        group by function_name
        union all
        select function_name, invocations, errors, cold_starts, billed_ms, mb_ms, bytes_in, bytes_out, first_at, last_at
        from hearth.usage_sum
        where (kept and day = any(${summed}::date[])
            or not kept and day::timestamp at time zone 'UTC' >= ${from} and day::timestamp at time zone 'UTC' < ${to})
          and ${ofFunction}
      ) as parts
      group by function_name order by function_name
    `.execute(tx);
      return rows;
    });
}
