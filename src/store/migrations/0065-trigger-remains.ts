import type { Migration } from './migration.ts';

/**
 * What it takes to end a trigger whose function is gone. `connection`: what the function's variable held, by which its slot is reached: it went with the function, and
 * a restart in between forgot it. `retired_at`: since when it is tried, which has an end.
 */
export const triggerRemains: Migration = {
  name: '0065-trigger-remains',
  sql: `
    alter table hearth.trigger add column connection text, add column retired_at timestamptz;
    update hearth.trigger set retired_at = now() where retired;
  `,
};
