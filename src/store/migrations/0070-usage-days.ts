import type { Migration } from './migration.ts';

/**
 * What days came to, by function, so that a bill neither reads each invocation again nor needs them for ever.
 *
 * `usage_day` has the days that are over and summed up while their records are there (`usage_sum.kept`): a record that comes to such a day after all
 * takes both away (a trigger of its partition, made when the day is summed up), and the day is summed up anew. Sums that are not `kept` stand for records
 * that were removed; what comes to such a day later is added to them when it is removed in its turn.
 */
export const usageDays: Migration = {
  name: '0070-usage-days',
  sql: `
    create table hearth.usage_day (day date primary key);

    create table hearth.usage_sum (
      account_id text not null,
      region text not null,
      day date not null,
      function_id text not null,
      function_name text not null,
      kept boolean not null,
      invocations bigint not null,
      errors bigint not null,
      cold_starts bigint not null,
      billed_ms numeric not null,
      -- Exact: of each record billed milliseconds times configured MB, added up.
      mb_ms numeric not null,
      bytes_in numeric not null,
      bytes_out numeric not null,
      first_at timestamptz not null,
      last_at timestamptz not null,
      primary key (day, function_id, function_name, account_id, region, kept)
    );

    create index usage_sum_by_function on hearth.usage_sum (function_name, day);

    create function hearth.usage_day_reopened() returns trigger language plpgsql as $$
    begin
      delete from hearth.usage_sum where day = new.day and kept;
      delete from hearth.usage_day where day = new.day;
      return null;
    end
    $$;
  `,
};
