import type { Migration } from './migration.ts';

/**
 * What the times of the event bus's rules and of Scheduler's schedules remember; rules and schedules themselves are in `lambda_resource`.
 *
 * `last_at` is the time for which one last put events into the ledger, written in the same transaction as the events. `id` is the rule's or schedule's,
 * which is never used twice.
 */
export const busTimes: Migration = {
  name: '0030-bus-times',
  sql: `
    create table hearth.bus_time (
      id text primary key,
      last_at timestamptz not null
    );
  `,
};
