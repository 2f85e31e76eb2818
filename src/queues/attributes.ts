import { HearthError } from '../errors.ts';
import type { Queue, QueueAttributes } from '../model/queue.ts';

export const QUEUE_DEFAULTS: QueueAttributes = {
  visibilityTimeout: 30,
  delaySeconds: 0,
  retentionSeconds: 345_600,
  maximumMessageSize: 1_048_576,
  receiveWaitSeconds: 0,
  fifo: false,
  contentBasedDeduplication: false,
  redrive: null,
  kept: {},
};

/** SQS's attributes that are numbers: where they go and what they may be. */
const NUMBERS = {
  VisibilityTimeout: { member: 'visibilityTimeout', least: 0, most: 43_200 },
  DelaySeconds: { member: 'delaySeconds', least: 0, most: 900 },
  MessageRetentionPeriod: { member: 'retentionSeconds', least: 60, most: 1_209_600 },
  MaximumMessageSize: { member: 'maximumMessageSize', least: 1_024, most: 1_048_576 },
  ReceiveMessageWaitTimeSeconds: { member: 'receiveWaitSeconds', least: 0, most: 20 },
} as const;

/** Attributes that are kept as they are: nothing here depends on them. */
const KEPT = new Set([
  'Policy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
  'RedriveAllowPolicy',
  'DeduplicationScope',
  'FifoThroughputLimit',
]);

/** What a queue becomes by attributes as SQS names them. Throws InvalidAttributeName or InvalidAttributeValue. */
export function withAttributes(present: QueueAttributes, given: Readonly<Record<string, string>>): QueueAttributes {
  const next: { -readonly [K in keyof QueueAttributes]: QueueAttributes[K] } = { ...present };
  const kept: Record<string, string> = { ...present.kept };
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(NUMBERS, name)) {
      const { member, least, most } = NUMBERS[name as keyof typeof NUMBERS];
      next[member] = wholeIn(name, value, [least, most]);
    } else if (name === 'FifoQueue') next.fifo = flag(name, value);
    else if (name === 'ContentBasedDeduplication') next.contentBasedDeduplication = flag(name, value);
    else if (name === 'RedrivePolicy') next.redrive = redrive(value);
    else if (KEPT.has(name)) kept[name] = value;
    else throw new HearthError('InvalidAttributeName', `Unknown Attribute ${name}.`);
  }
  if (next.contentBasedDeduplication && !next.fifo)
    throw new HearthError('InvalidAttributeName', 'Unknown Attribute ContentBasedDeduplication: only FIFO queues have it.');
  return { ...next, kept };
}

/** Throws InvalidParameterValue, as SQS does, when the dead letters of a RedrivePolicy that is being set are to go to no queue, or to one of the other type. */
export function checkRedrive({ redrive, fifo }: QueueAttributes, find: (arn: string) => Queue | null): void {
  if (redrive === null) return;
  const target = find(redrive.deadLetterTargetArn);
  if (target?.attributes.fifo === fifo) return;
  const reason = target === null ? 'Dead letter target does not exist.' : 'Dead-letter queue must be same type of queue as the source.';
  throw new HearthError(
    'InvalidParameterValue',
    `Value ${JSON.stringify(redrive)} for parameter RedrivePolicy is invalid. Reason: ${reason}`,
  );
}

/** All attributes as SQS names them, those that are counted left out. */
export function shownAttributes(queue: Queue, arn: string): Record<string, string> {
  const { attributes: a } = queue;
  const numbers = Object.entries(NUMBERS).map(([name, { member }]) => [name, String(a[member])] as const);
  return {
    QueueArn: arn,
    CreatedTimestamp: String(Math.floor(queue.createdAtMs / 1_000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAtMs / 1_000)),
    ...Object.fromEntries(numbers),
    ...(a.fifo ? { FifoQueue: 'true', ContentBasedDeduplication: String(a.contentBasedDeduplication) } : {}),
    ...(a.redrive === null ? {} : { RedrivePolicy: JSON.stringify(a.redrive) }),
    ...a.kept,
  };
}

function wholeIn(name: string, value: string, [least, most]: readonly [number, number]): number {
  const n = Number(value);
  if (/^\d+$/.test(value) && n >= least && n <= most) return n;
  throw new HearthError(
    'InvalidAttributeValue',
    `Invalid value for the parameter ${name}: a whole number from ${least} to ${most}, not ${value}.`,
  );
}

function flag(name: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw new HearthError('InvalidAttributeValue', `Invalid value for the parameter ${name}: true or false.`);
}

function redrive(text: string): QueueAttributes['redrive'] {
  if (text === '' || text === '{}') return null;
  const value = mapOf(text);
  const count = Number(value.maxReceiveCount);
  if (typeof value.deadLetterTargetArn !== 'string' || !Number.isInteger(count) || count < 1 || count > 1_000) {
    throw new HearthError(
      'InvalidAttributeValue',
      `Value ${text} for parameter RedrivePolicy is invalid. Reason: deadLetterTargetArn and a maxReceiveCount from 1 to 1000 are needed.`,
    );
  }
  return { deadLetterTargetArn: value.deadLetterTargetArn, maxReceiveCount: count };
}

function mapOf(text: string): { readonly deadLetterTargetArn?: unknown; readonly maxReceiveCount?: unknown } {
  let [value, cause]: unknown[] = [];
  try {
    value = JSON.parse(text);
  } catch (error) {
    cause = error;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  const message = `Value ${text} for parameter RedrivePolicy is invalid. Reason: Redrive policy is not a valid JSON map.`;
  throw new HearthError('InvalidAttributeValue', message, { cause });
}
