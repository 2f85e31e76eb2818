import type { Migration } from './migration.ts';

/**
 * Where the time of an invocation went: beside what it cost, so that it is written by the same statement and goes with the same partition.
 * `start` is the detail of a cold start (model/waterfall.ts, ColdStart), null for the many that were warm.
 * Null in all three: recorded before this migration.
 */
export const waterfall: Migration = {
  name: '0006-waterfall',
  sql: `
    alter table hearth.usage
      add column queued_ms double precision,
      add column handler_ms double precision,
      add column start jsonb;
  `,
};
