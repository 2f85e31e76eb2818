import { createHash } from 'node:crypto';
import { undeliveredAttributes } from '../../model/dead-letter.ts';
import type { DeliveryPolicy, NewDelivery } from '../../model/delivery.ts';
import type { BusEvent, BusTarget } from '../../model/event-rule.ts';

/** What ARNs of targets mean now; null: nothing that is here. */
export interface TargetLookup {
  functionOf(arn: string): { readonly functionId: string; readonly qualifier: string | null } | null;
  queueOf(arn: string): string | null;
}

/** What all deliveries of one happening have in common. */
export type Happening = Pick<NewDelivery, 'id' | 'source' | 'sourceArn' | 'subject' | 'lineage' | 'traceId' | 'occurredAtMs'>;

/** What a target is given; `event`: the event that it was made of, null where it is the event. */
export interface Given {
  readonly payload: string;
  readonly event: BusEvent | null;
}

/** EventBridge's and Scheduler's own, where a target says one of the two. */
const RETRIES = { count: 185, maxAgeSeconds: 86_400 };

/**
 * The delivery of a happening to a target. Where what its ARN names is not there: to the target's dead letters; null: it has none. The same happening and
 * target give the same id for ever.
 */
export function busDelivery(happening: Happening, target: BusTarget, given: Given, lookup: TargetLookup): NewDelivery | null {
  const id = `${happening.id}:${createHash('sha256').update(target.Id).digest('hex').slice(0, 12)}`;
  const policy = policyOf(target, given, lookup);
  const base = { ...happening, id, orderKey: null, payload: Buffer.from(given.payload), ...(policy === null ? {} : { policy }) };
  const found = lookup.functionOf(target.Arn);
  if (found !== null) return { ...base, ...found };
  const queue = lookup.queueOf(target.Arn);
  if (queue !== null) {
    const groupId = target.SqsParameters?.MessageGroupId;
    return {
      ...base,
      functionId: '',
      qualifier: null,
      destination: { kind: 'queue', queue, ...(groupId === undefined ? {} : { groupId }) },
    };
  }
  return policy === null ? null : buried({ ...happening, id }, policy, base.payload);
}

/** An event whose target is not there: no retry would change that. */
function buried(happening: Happening, policy: DeliveryPolicy, payload: Buffer): NewDelivery | null {
  if (policy.deadLetterQueue === null) return null;
  const why = { code: 'NO_RESOURCE', message: `${policy.targetArn} is not there.`, retries: 0, exhausted: null };
  return {
    ...happening,
    functionId: '',
    qualifier: null,
    orderKey: null,
    payload: policy.event === null ? payload : Buffer.from(policy.event),
    destination: { kind: 'queue', queue: policy.deadLetterQueue, attributes: undeliveredAttributes(happening, policy, why) },
  };
}

/** Null where the target says nothing of what does not reach it. */
function policyOf({ Arn, RetryPolicy, DeadLetterConfig }: BusTarget, given: Given, lookup: TargetLookup): DeliveryPolicy | null {
  const arn = DeadLetterConfig?.Arn;
  if (RetryPolicy === undefined && arn === undefined) return null;
  const deadLetterQueue = arn === undefined ? null : lookup.queueOf(arn);
  return {
    retries: RetryPolicy?.MaximumRetryAttempts ?? RETRIES.count,
    maxAgeMs: (RetryPolicy?.MaximumEventAgeInSeconds ?? RETRIES.maxAgeSeconds) * 1_000,
    targetArn: Arn,
    deadLetterQueue,
    event: deadLetterQueue === null || given.event === null ? null : JSON.stringify(given.event),
  };
}
