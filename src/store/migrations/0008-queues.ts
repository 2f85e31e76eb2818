import type { Migration } from './migration.ts';

/**
 * Queues, as SQS has them.
 *
 * A message may be received when `visible_at` has come: it is later after a delay, and after each receipt until it is deleted. `seq` is the order in
 * which messages were sent, and the sequence number of FIFO queues. `receipt` is the token of the last receipt: only who has it may delete.
 * `message_deduplication` remembers for five minutes what was sent to FIFO queues, deleted or not.
 */
export const queues: Migration = {
  name: '0008-queues',
  sql: `
    create table hearth.queue (
      account_id text not null,
      region text not null,
      name text not null,
      queue_id text not null unique,
      attributes jsonb not null,
      tags jsonb not null default '{}',
      created_at timestamptz not null default now(),
      modified_at timestamptz not null default now(),
      primary key (account_id, region, name)
    );

    create table hearth.message (
      seq bigint generated always as identity primary key,
      queue_id text not null references hearth.queue (queue_id) on delete cascade,
      message_id text not null,
      body text not null,
      attributes jsonb not null default '{}',
      md5_body text not null,
      md5_attributes text,
      trace_header text,
      sender text not null,
      group_id text,
      deduplication_id text,
      sent_at timestamptz not null default clock_timestamp(),
      visible_at timestamptz not null,
      receive_count integer not null default 0,
      first_received_at timestamptz,
      receipt text,
      dead_letter_source text
    ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

    create index message_visible on hearth.message (queue_id, visible_at, seq);
    create index message_group on hearth.message (queue_id, group_id, seq) where group_id is not null;
    create index message_sent on hearth.message using brin (sent_at);

    create table hearth.message_deduplication (
      queue_id text not null references hearth.queue (queue_id) on delete cascade,
      deduplication_id text not null,
      message_id text not null,
      seq bigint not null,
      until timestamptz not null,
      primary key (queue_id, deduplication_id)
    );
    create index message_deduplication_until on hearth.message_deduplication (until);
  `,
};
