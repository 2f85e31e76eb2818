import { functionsAndUsage } from './0001-functions-and-usage.ts';
import { deliveries } from './0002-deliveries.ts';
import { objects } from './0003-objects.ts';
import { triggers } from './0004-triggers.ts';
import { lambdaResources } from './0005-lambda-resources.ts';
import { waterfall } from './0006-waterfall.ts';
import { habits } from './0007-habits.ts';
import { queues } from './0008-queues.ts';
import { polledMessages } from './0010-polled-messages.ts';
import { batches } from './0020-batches.ts';
import { busTimes } from './0030-bus-times.ts';
import { changeSharing } from './0040-change-sharing.ts';
import { messageMoves } from './0041-message-moves.ts';
import { deliveryPolicies } from './0047-delivery-policies.ts';
import { usageKey } from './0050-usage-key.ts';
import { triggerRemains } from './0065-trigger-remains.ts';
import { usageDays } from './0070-usage-days.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [
  functionsAndUsage,
  deliveries,
  objects,
  triggers,
  lambdaResources,
  waterfall,
  habits,
  queues,
  polledMessages,
  batches,
  busTimes,
  changeSharing,
  messageMoves,
  deliveryPolicies,
  usageKey,
  triggerRemains,
  usageDays,
];
