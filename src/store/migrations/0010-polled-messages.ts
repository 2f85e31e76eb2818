import type { Migration } from './migration.ts';

/** Which messages this server itself has taken, for its functions: when it was killed, they need not stay hidden until their time is up. */
export const polledMessages: Migration = {
  name: '0010-polled-messages',
  sql: 'alter table hearth.message add column polled boolean not null default false;',
};
