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

/** Attributes that are kept as they are, unless they are set to nothing. */
const KEPT = new Set(['Policy', 'KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled', 'RedriveAllowPolicy']);
/** Of these, what must be a JSON object. */
const DOCUMENTS = new Set(['Policy', 'RedriveAllowPolicy']);

/** What only FIFO queues have, what each may be, and what it is where nothing was said. */
const OF_FIFO: Readonly<Record<string, readonly [usual: string, other: string]>> = {
  DeduplicationScope: ['queue', 'messageGroup'],
  FifoThroughputLimit: ['perQueue', 'perMessageGroupId'],
};

/** What is counted. */
const COUNTED = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed'] as const;

/** Every attribute that one may ask for. */
const ASKED = new Set([
  'All',
  'QueueArn',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  ...Object.keys(NUMBERS),
  'FifoQueue',
  'ContentBasedDeduplication',
  'RedrivePolicy',
  ...KEPT,
  ...Object.keys(OF_FIFO),
  ...COUNTED,
]);

/** Throws InvalidAttributeName for a name that no queue has an attribute of. */
export function checkAsked(names: readonly string[]): void {
  const unknown = names.find((name) => !ASKED.has(name));
  if (unknown !== undefined) throw unknownAttribute(unknown);
}

/** What a queue becomes by attributes as SQS names them, its type aside. Throws InvalidAttributeName or InvalidAttributeValue. */
export function withAttributes(present: QueueAttributes, given: Readonly<Record<string, string>>): QueueAttributes {
  const next: { -readonly [K in keyof QueueAttributes]: QueueAttributes[K] } = { ...present };
  const kept: Record<string, string> = { ...present.kept };
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(NUMBERS, name)) {
      const { member, least, most } = NUMBERS[name as keyof typeof NUMBERS];
      next[member] = wholeIn(name, value, [least, most]);
    } else if (name === 'FifoQueue') checkType(value, present);
    else if (name === 'ContentBasedDeduplication' && present.fifo) next.contentBasedDeduplication = flag(name, value);
    else if (name === 'RedrivePolicy') next.redrive = redrive(value);
    else if (Object.hasOwn(OF_FIFO, name)) kept[name] = ofFifo(name, value, present);
    else if (!KEPT.has(name)) throw unknownAttribute(name);
    else if (value === '') delete kept[name];
    else kept[name] = DOCUMENTS.has(name) ? document(name, value) : value;
  }
  return { ...next, kept };
}

/** Whether a queue is made a FIFO queue. Throws InvalidAttributeValue. */
export function isFifo(given: Readonly<Record<string, string>>): boolean {
  return given['FifoQueue'] !== undefined && flag('FifoQueue', given['FifoQueue']);
}

/** The first of the given attributes by which a queue would become another; null: by none. Throws what `withAttributes` does. */
export function differing(present: Queue, given: Readonly<Record<string, string>>): string | null {
  const [before, after] = [present.attributes, withAttributes(present.attributes, given)].map((attributes) =>
    shownAttributes({ ...present, attributes }, ''),
  );
  return Object.keys(given).find((name) => before?.[name] !== after?.[name]) ?? null;
}

/** A queue is of one type for ever. */
function checkType(value: string, { fifo }: QueueAttributes): void {
  if (!fifo) throw unknownAttribute('FifoQueue');
  if (!flag('FifoQueue', value))
    throw new HearthError(
      'InvalidAttributeValue',
      'Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.',
    );
}

function ofFifo(name: string, value: string, { fifo }: QueueAttributes): string {
  const values: readonly string[] = OF_FIFO[name] ?? [];
  if (!fifo) throw new HearthError('InvalidAttributeName', `You can specify the ${name} only when FifoQueue is set to true.`);
  if (values.includes(value)) return value;
  throw new HearthError('InvalidAttributeValue', `Invalid value for the parameter ${name}: ${values.join(' or ')}, not ${value}.`);
}

function document(name: string, text: string): string {
  if (objectIn(text) !== null) return text;
  throw new HearthError('InvalidAttributeValue', `Invalid value for the parameter ${name}: a JSON object.`);
}

function unknownAttribute(name: string): HearthError {
  return new HearthError('InvalidAttributeName', `Unknown Attribute ${name}.`);
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

const USUAL_OF_FIFO = Object.fromEntries(Object.entries(OF_FIFO).map(([name, [usual]]) => [name, usual]));

/** All attributes as SQS names them, those that are counted left out. */
export function shownAttributes(queue: Queue, arn: string): Record<string, string> {
  const { attributes: a } = queue;
  const numbers = Object.entries(NUMBERS).map(([name, { member }]) => [name, String(a[member])] as const);
  return {
    QueueArn: arn,
    CreatedTimestamp: String(Math.floor(queue.createdAtMs / 1_000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAtMs / 1_000)),
    ...Object.fromEntries(numbers),
    ...(a.fifo ? { FifoQueue: 'true', ContentBasedDeduplication: String(a.contentBasedDeduplication), ...USUAL_OF_FIFO } : {}),
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
  // Python writes True, and SQS takes it.
  const lower = value.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower === 'true';
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
  const value = objectIn(text);
  if (value !== null) return value;
  const message = `Value ${text} for parameter RedrivePolicy is invalid. Reason: Redrive policy is not a valid JSON map.`;
  throw new HearthError('InvalidAttributeValue', message);
}

/** The JSON object that a text is; null when it is none. */
function objectIn(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
