import type { Migration } from './migration.ts';

/**
 * Triggers, and what is remembered of them.
 *
 * A trigger refers to its function without a foreign key: it outlives the function until what it made elsewhere (a replication slot keeps the disk
 * filling) is removed, and `retired` says that this is still to do. What is remembered goes with the trigger.
 *
 * `schedule.last_at` is the time for which a schedule last put an event into the ledger, written in the same transaction as the event: killed at any
 * point, neither is there without the other.
 *
 * `change_stream` is how far the changes of tables are in the ledger, written likewise: commit LSN and index within the transaction, of one history
 * (system and timeline) of the source. `slot` and `publication` exist at the source.
 */
export const triggers: Migration = {
  name: '0004-triggers',
  sql: `
    create table hearth.trigger (
      trigger_id text primary key,
      account_id text not null,
      region text not null,
      function_id text not null,
      function_name text not null,
      kind text not null,
      configuration jsonb not null,
      changed_at timestamptz not null,
      retired boolean not null default false
    );

    create table hearth.schedule (
      trigger_id text primary key references hearth.trigger on delete cascade,
      last_at timestamptz not null
    );

    create table hearth.change_stream (
      trigger_id text primary key references hearth.trigger on delete cascade,
      system_id text not null,
      timeline integer not null,
      commit_lsn pg_lsn not null,
      change_index bigint not null,
      backfilled boolean not null
    );
  `,
};
