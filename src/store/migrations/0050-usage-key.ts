import type { Migration } from './migration.ts';

/**
 * Every call is a row of usage, and half of what a row cost was not the row. A key that begins with the account and the region compares two texts that are
 * the same everywhere, in every step through the index, before it comes to what differs: request ids are unique without them. `gb_seconds` was
 * computed and kept for each row, and is only ever added up: the query computes it from the same two columns, as exactly.
 */
export const usageKey: Migration = {
  name: '0050-usage-key',
  sql: `
    alter table hearth.usage
      drop column gb_seconds,
      drop constraint usage_pkey,
      add primary key (day, request_id, attempt);
  `,
};
