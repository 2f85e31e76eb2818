import type { Migration } from './migration.ts';

/**
 * The ledger of deliveries, which is also the queue they are run from.
 *
 * A *lane* is what deliveries are shared out between: a function's id, or a destination. Function ids are unique over accounts and regions,
 * so a lane says both. `ready` may be run from `due_at` on; `held` waits behind an earlier one of its lane, qualifier and order key.
 * `seq` is the order of acceptance; within an order key it is the order of the commits too (see deliveries.ts).
 *
 * The queue is the partial indexes: what is finished is in none of them, so the ledger may grow without slowing the queue. Times of acceptance
 * come nearly in order, which is what a block range index is for.
 */
export const deliveries: Migration = {
  name: '0002-deliveries',
  sql: `
    create table hearth.delivery (
      seq bigint generated always as identity primary key,
      event_id text not null,
      lane text not null,
      qualifier text not null default '',
      function_id text not null,
      destination jsonb,
      source text not null,
      source_arn text not null,
      subject text not null,
      order_key text,
      request_id text not null default gen_random_uuid()::text,
      payload bytea not null,
      client_context text not null default '',
      lineage text not null,
      trace_id text not null,
      occurred_at timestamptz not null,
      accepted_at timestamptz not null default clock_timestamp(),
      -- Its age counts from here: when it was accepted, or driven again.
      queued_at timestamptz not null default clock_timestamp(),
      state text not null check (state in ('held', 'ready', 'running', 'succeeded', 'failed')),
      due_at timestamptz not null default clock_timestamp(),
      lease_until timestamptz,
      attempts integer not null default 0,
      function_errors integer not null default 0,
      system_errors integer not null default 0,
      history jsonb not null default '[]',
      reason text,
      finished_at timestamptz
    ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);

    create unique index delivery_event on hearth.delivery (event_id, lane, qualifier);
    create index delivery_ready on hearth.delivery (lane, due_at, seq) where state = 'ready';
    create index delivery_keyed on hearth.delivery (lane, qualifier, order_key, seq)
      where order_key is not null and state in ('held', 'ready', 'running');
    create index delivery_running on hearth.delivery (lease_until) where state = 'running';
    create index delivery_failed on hearth.delivery (lane, seq) where state = 'failed';
    create index delivery_accepted on hearth.delivery using brin (accepted_at) with (pages_per_range = 32);
  `,
};
