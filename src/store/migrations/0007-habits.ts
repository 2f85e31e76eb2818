import type { Migration } from './migration.ts';

/** How functions are used: their idle-time histograms, written now and then, and all of them read once, at the start. */
export const habits: Migration = {
  name: '0007-habits',
  sql: `
    create table hearth.function_habit (
      account_id text not null,
      region text not null,
      function_id text not null,
      last_used_at timestamptz,
      document jsonb not null,
      primary key (account_id, region, function_id),
      foreign key (account_id, region, function_id) references hearth.function on delete cascade
    );
  `,
};
