import type { Migration } from './migration.ts';

/**
 * How the changes of a stream were last shared out to orders, and how often their number was changed; null for streams from before: it is not known.
 */
export const changeSharing: Migration = {
  name: '0040-change-sharing',
  sql: 'alter table hearth.change_stream add column shards integer, add column generation integer not null default 0;',
};
