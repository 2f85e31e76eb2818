import type { Migration } from './migration.ts';

/**
 * Batches of changes whose function says how they fail, as Lambda's event source mappings do.
 *
 * `trigger.mapping` is there for a trigger that an event source mapping made: a deployment leaves it alone. `batch_progress` is what is still to be run of a
 * delivery that was divided, or whose beginning went well. It has no foreign key, which every end of a delivery would pay for: what a delivery leaves is swept.
 */
export const batches: Migration = {
  name: '0020-batches',
  sql: `
    alter table hearth.trigger add column mapping jsonb;

    create table hearth.batch_progress (
      seq bigint primary key,
      progress jsonb not null
    );
  `,
};
