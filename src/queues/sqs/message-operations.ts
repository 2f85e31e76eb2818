import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import type { NewMessage, Queue, ReceivedMessage, Sent } from '../../model/queue.ts';
import { md5OfAttributes } from '../message-digest.ts';
import { messageBytes, newMessage, order } from '../new-message.ts';
import { batch, checkEntries } from './batch.ts';
import { parsed, queueOf, queueUrl, whole, type SqsCall, type SqsDeps, type SqsOperation } from './operation.ts';

const attribute = z.object({ DataType: z.string(), StringValue: z.string().optional(), BinaryValue: z.string().optional() });
const attributes = z.record(z.string(), attribute).optional();

const message = z.object({
  MessageBody: z.string(),
  DelaySeconds: z.number().optional(),
  MessageAttributes: attributes,
  MessageSystemAttributes: attributes,
  MessageGroupId: z.string().optional(),
  MessageDeduplicationId: z.string().optional(),
});
type GivenIn = z.output<typeof message>;

/** Lambda's and SQS's limit of a batch, bytes. */
const BATCH_BYTES = 1_048_576;
const MOST_VISIBILITY = 43_200;
const NOT_VISIBILITY = `VisibilityTimeout must be an integer between 0 and ${MOST_VISIBILITY}`;

/** What one message was sent as. */
interface Made {
  readonly message: NewMessage;
  readonly md5OfSystemAttributes: string | null;
}

function messageFrom(queue: Queue, input: GivenIn, { call, deps }: { call: SqsCall; deps: SqsDeps }): Made {
  const system = input.MessageSystemAttributes ?? {};
  const unknown = Object.entries(system).find(([name, { DataType }]) => name !== TRACE || DataType !== 'String');
  if (unknown !== undefined)
    throw new HearthError(
      'InvalidParameterValue',
      `Message system attribute '${unknown[0]}' is invalid: ${TRACE} of type String is the one there is.`,
    );
  const given = {
    ...orderOf(input),
    attributes: input.MessageAttributes,
    traceHeader: system[TRACE]?.StringValue ?? call.traceHeader,
    sender: call.sender,
  };
  return { message: newMessage(queue, given, deps.ids), md5OfSystemAttributes: md5OfAttributes(system) };
}

/** What decides where a message comes in its queue. Throws InvalidParameterValue. */
function orderOf({ MessageBody: body, MessageGroupId, MessageDeduplicationId, DelaySeconds: delaySeconds }: GivenIn) {
  const [groupId, deduplicationId] = [wordIn('MessageGroupId', MessageGroupId), wordIn('MessageDeduplicationId', MessageDeduplicationId)];
  return { body, groupId, deduplicationId, delaySeconds };
}

const TRACE = 'AWSTraceHeader';
/** Letters, digits and punctuation. */
const WORD = /^[!-~]{1,128}$/;

function wordIn(name: string, value: string | undefined): string | undefined {
  if (value === undefined || WORD.test(value)) return value;
  throw new HearthError(
    'InvalidParameterValue',
    `Value ${value} for parameter ${name} is invalid. Reason: ${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
  );
}

function sentAnswer(queue: Queue, { message: m, md5OfSystemAttributes }: Made, sent: Sent | undefined): Record<string, unknown> {
  return {
    MessageId: sent?.messageId,
    MD5OfMessageBody: m.md5Body,
    ...(m.md5Attributes === null ? {} : { MD5OfMessageAttributes: m.md5Attributes }),
    ...(md5OfSystemAttributes === null ? {} : { MD5OfMessageSystemAttributes: md5OfSystemAttributes }),
    ...(queue.attributes.fifo ? { SequenceNumber: sequence(sent?.sequence ?? '') } : {}),
  };
}

/** As wide as SQS's, so that text sorts as numbers do. */
function sequence(seq: string): string {
  return seq.padStart(20, '0');
}

const sendMessage: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend(message.shape), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  const made = messageFrom(queue, input, { call, deps });
  const [sent] = await deps.queues.send(queue, [made.message]);
  return sentAnswer(queue, made, sent);
};

const sendMessageBatch: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ Entries: z.array(message.extend({ Id: z.string() })) }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  checkEntries(input.Entries);
  const bytes = input.Entries.reduce((sum, e) => sum + messageBytes({ body: e.MessageBody, attributes: e.MessageAttributes }), 0);
  if (bytes > BATCH_BYTES)
    throw new HearthError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${BATCH_BYTES} bytes. You have sent ${bytes} bytes.`,
    );
  // Without its place among the others, none of a FIFO queue's is sent, as on SQS.
  if (queue.attributes.fifo) for (const entry of input.Entries) requireOrder(queue, entry);
  const { done, failed } = batch(input.Entries, (entry) => messageFrom(queue, entry, { call, deps }));
  const sent = await deps.queues.send(
    queue,
    done.map((d) => d.value.message),
  );
  const Successful = done.map((d, i) => ({ Id: d.id, ...sentAnswer(queue, d.value, sent[i]) }));
  return { Successful, ...(failed.length === 0 ? {} : { Failed: failed }) };
};

/** Throws InvalidParameterValue where a message says too little of its place. */
function requireOrder(queue: Queue, entry: GivenIn): void {
  try {
    order(queue, { ...orderOf(entry), delaySeconds: undefined });
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== 'MissingParameter') throw error;
    throw new HearthError('InvalidParameterValue', error.message, { cause: error });
  }
}

const receiveMessage: SqsOperation = async (call, deps) => {
  const shape = queueUrl.extend({
    MaxNumberOfMessages: whole(1, 10, 'Must be between 1 and 10, if provided'),
    VisibilityTimeout: whole(0, MOST_VISIBILITY, NOT_VISIBILITY),
    WaitTimeSeconds: whole(0, 20, 'Must be >= 0 and <= 20, if provided'),
    AttributeNames: z.array(z.string()).optional(),
    MessageSystemAttributeNames: z.array(z.string()).optional(),
    MessageAttributeNames: z.array(z.string()).optional(),
  });
  const input = parsed(shape, call.input);
  const queue = queueOf(input.QueueUrl, deps);
  const received = await deps.queues.receive(queue, {
    most: input.MaxNumberOfMessages ?? 1,
    visibilitySeconds: input.VisibilityTimeout ?? null,
    waitMs: (input.WaitTimeSeconds ?? queue.attributes.receiveWaitSeconds) * 1_000,
    signal: call.signal,
  });
  if (received.length === 0) return {};
  const system = new Set([...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])]);
  return { Messages: received.map((m) => shown(m, { system, own: input.MessageAttributeNames ?? [] }, deps)) };
};

function shown(
  m: ReceivedMessage,
  wanted: { system: ReadonlySet<string>; own: readonly string[] },
  deps: SqsDeps,
): Record<string, unknown> {
  const system = Object.entries(systemAttributes(m, deps)).filter(([name]) => wanted.system.has('All') || wanted.system.has(name));
  const own = Object.entries(m.attributes).filter(([name]) => wanted.own.some((w) => isWanted(name, w)));
  return {
    MessageId: m.messageId,
    ReceiptHandle: m.receipt,
    MD5OfBody: m.md5Body,
    Body: m.body,
    ...(system.length === 0 ? {} : { Attributes: Object.fromEntries(system) }),
    ...(own.length === 0 ? {} : { MessageAttributes: Object.fromEntries(own), MD5OfMessageAttributes: digestOf(m, own) }),
  };
}

/** `All`, `*`, `.*`, `prefix.*` or a name. */
function isWanted(name: string, wanted: string): boolean {
  if (wanted === 'All' || wanted === '*' || wanted === '.*') return true;
  return wanted.endsWith('.*') ? name.startsWith(wanted.slice(0, -2)) : wanted === name;
}

function digestOf(m: ReceivedMessage, own: readonly (readonly [string, unknown])[]): string | null {
  return own.length === Object.keys(m.attributes).length
    ? m.md5Attributes
    : md5OfAttributes(Object.fromEntries(own) as ReceivedMessage['attributes']);
}

/** What SQS tells of a message beside what was sent. */
export function systemAttributes(m: ReceivedMessage, { queues }: Pick<SqsDeps, 'queues'>): Record<string, string> {
  return {
    SenderId: m.sender,
    SentTimestamp: String(Math.floor(m.sentAtMs)),
    ApproximateReceiveCount: String(m.receiveCount),
    ApproximateFirstReceiveTimestamp: String(Math.floor(m.firstReceivedAtMs)),
    ...(m.groupId === null ? {} : { MessageGroupId: m.groupId }),
    ...(m.deduplicationId === null ? {} : { MessageDeduplicationId: m.deduplicationId, SequenceNumber: sequence(m.sequence) }),
    ...(m.traceHeader === null ? {} : { AWSTraceHeader: m.traceHeader }),
    ...(m.deadLetterSource === null ? {} : { DeadLetterQueueSourceArn: queues.arn({ name: m.deadLetterSource }) }),
  };
}

const deleteMessage: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ ReceiptHandle: z.string() }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  const receipt = receiptIn(input.ReceiptHandle);
  requireInTime(receipt, await lateIn(queue, [receipt], deps));
  await deps.queues.store.delete(queue.queueId, [receipt]);
  return {};
};

/** Of a FIFO queue a receipt holds no longer than the message is hidden: whoever is next in its group may have begun with it. */
async function lateIn({ queueId, attributes }: Queue, receipts: readonly string[], { queues }: SqsDeps): Promise<ReadonlySet<string>> {
  return attributes.fifo ? queues.store.expired(queueId, receipts) : new Set();
}

function requireInTime(receipt: string, late: ReadonlySet<string>): string {
  if (!late.has(receipt)) return receipt;
  throw new HearthError(
    'InvalidParameterValue',
    `Value ${receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
  );
}

const deleteMessageBatch: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ Entries: z.array(z.object({ Id: z.string(), ReceiptHandle: z.string() })) }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  checkEntries(input.Entries);
  const given = input.Entries.map((entry) => entry.ReceiptHandle);
  const late = await lateIn(queue, given, deps);
  const { done, failed } = batch(input.Entries, (entry) => requireInTime(receiptIn(entry.ReceiptHandle), late));
  await deps.queues.store.delete(
    queue.queueId,
    done.map((d) => d.value),
  );
  return { Successful: done.map(({ id: Id }) => ({ Id })), ...(failed.length === 0 ? {} : { Failed: failed }) };
};

const changing = z.object({ ReceiptHandle: z.string(), VisibilityTimeout: z.number() });

/** Throws SQS's errors. */
function hidden({ ReceiptHandle, VisibilityTimeout: seconds }: z.output<typeof changing>): { receipt: string; seconds: number } {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= MOST_VISIBILITY) return { receipt: receiptIn(ReceiptHandle), seconds };
  throw new HearthError('InvalidParameterValue', `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: ${NOT_VISIBILITY}.`);
}

const changeMessageVisibility: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend(changing.shape), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  const wanted = hidden(input);
  const changed = await deps.queues.store.hide(queue.queueId, [wanted]);
  if (!changed.has(wanted.receipt)) throw gone(wanted.receipt);
  return {};
};

const changeMessageVisibilityBatch: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ Entries: z.array(changing.extend({ Id: z.string() })) }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  checkEntries(input.Entries);
  const { done, failed } = batch(input.Entries, hidden);
  const changed = await deps.queues.store.hide(
    queue.queueId,
    done.map((d) => d.value),
  );
  const Successful = done.filter((d) => changed.has(d.value.receipt)).map(({ id: Id }) => ({ Id }));
  const missed = done
    .filter((d) => !changed.has(d.value.receipt))
    .map((d) => ({ Id: d.id, Code: 'InvalidParameterValue', Message: gone(d.value.receipt).message, SenderFault: true }));
  const Failed = [...failed, ...missed];
  return { Successful, ...(Failed.length === 0 ? {} : { Failed }) };
};

function receiptIn(text: string): string {
  if (/^\d{1,18}\.[0-9a-f-]{36}$/.test(text)) return text;
  throw new HearthError('ReceiptHandleIsInvalid', `The input receipt handle "${text}" is not a valid receipt handle.`);
}

/** Deleted, in another queue, or received again since. */
function gone(receipt: string): HearthError {
  return new HearthError(
    'InvalidParameterValue',
    `Value ${receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
  );
}

export const MESSAGE_OPERATIONS: Readonly<Record<string, SqsOperation>> = {
  SendMessage: sendMessage,
  SendMessageBatch: sendMessageBatch,
  ReceiveMessage: receiveMessage,
  DeleteMessage: deleteMessage,
  DeleteMessageBatch: deleteMessageBatch,
  ChangeMessageVisibility: changeMessageVisibility,
  ChangeMessageVisibilityBatch: changeMessageVisibilityBatch,
};
