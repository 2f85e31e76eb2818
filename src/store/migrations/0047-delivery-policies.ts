import type { Migration } from './migration.ts';

/** What a rule's or schedule's target says of what does not reach it: its RetryPolicy and DeadLetterConfig; null where it says nothing. */
export const deliveryPolicies: Migration = {
  name: '0047-delivery-policies',
  sql: 'alter table hearth.delivery add column policy jsonb;',
};
