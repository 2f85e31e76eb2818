import type { Migration } from './migration.ts';

/**
 * Tasks that move messages out of a dead letter queue: what is not ended goes on with the next server. `until_seq` is the newest message there was when it began,
 * `target_id` null: each message goes to the queue it came from. `moved` is counted in the transactions that move.
 */
export const messageMoves: Migration = {
  name: '0041-message-moves',
  sql: `
    create table hearth.message_move (
      handle text primary key,
      source_id text not null references hearth.queue (queue_id) on delete cascade,
      target_id text,
      target_name text,
      per_second integer,
      until_seq bigint not null,
      planned bigint not null,
      moved bigint not null default 0,
      status text not null default 'RUNNING',
      failure text,
      started_at timestamptz not null
    );
    create unique index message_move_active on hearth.message_move (source_id) where status in ('RUNNING', 'CANCELLING');
  `,
};
