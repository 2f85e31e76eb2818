import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import type { NewMessage, Queue, ReceivedMessage, Sent } from '../../model/queue.ts';
import { md5OfAttributes } from '../message-digest.ts';
import { newMessage } from '../new-message.ts';
import { batch, checkEntries } from './batch.ts';
import { parsed, queueOf, queueUrl, type SqsCall, type SqsDeps, type SqsOperation } from './operation.ts';

const attribute = z.object({ DataType: z.string(), StringValue: z.string().optional(), BinaryValue: z.string().optional() });
const attributes = z.record(z.string(), attribute).optional();

const message = z.object({
  MessageBody: z.string(),
  DelaySeconds: z.number().optional(),
  MessageAttributes: attributes,
  MessageSystemAttributes: attributes,
  MessageGroupId: z.string().max(128).optional(),
  MessageDeduplicationId: z.string().max(128).optional(),
});

/** Lambda's and SQS's limit of a batch, bytes. */
const BATCH_BYTES = 1_048_576;
const MOST_VISIBILITY = 43_200;

function messageFrom(queue: Queue, input: z.output<typeof message>, { call, deps }: { call: SqsCall; deps: SqsDeps }): NewMessage {
  const given = {
    body: input.MessageBody,
    attributes: input.MessageAttributes,
    groupId: input.MessageGroupId,
    deduplicationId: input.MessageDeduplicationId,
    delaySeconds: input.DelaySeconds,
    traceHeader: input.MessageSystemAttributes?.['AWSTraceHeader']?.StringValue ?? call.traceHeader,
    sender: call.sender,
  };
  return newMessage(queue, given, deps.ids);
}

function sentAnswer(queue: Queue, m: NewMessage, sent: Sent | undefined): Record<string, unknown> {
  return {
    MessageId: sent?.messageId,
    MD5OfMessageBody: m.md5Body,
    ...(m.md5Attributes === null ? {} : { MD5OfMessageAttributes: m.md5Attributes }),
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
  const [sent] = await deps.queues.send(queue, [made]);
  return sentAnswer(queue, made, sent);
};

const sendMessageBatch: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ Entries: z.array(message.extend({ Id: z.string() })) }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  checkEntries(input.Entries);
  const bytes = input.Entries.reduce((sum, e) => sum + Buffer.byteLength(e.MessageBody), 0);
  if (bytes > BATCH_BYTES)
    throw new HearthError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${BATCH_BYTES} bytes. You have sent ${bytes} bytes.`,
    );
  const { done, failed } = batch(input.Entries, (entry) => messageFrom(queue, entry, { call, deps }));
  const sent = await deps.queues.send(
    queue,
    done.map((d) => d.value),
  );
  const Successful = done.map((d, i) => ({ Id: d.id, ...sentAnswer(queue, d.value, sent[i]) }));
  return { Successful, ...(failed.length === 0 ? {} : { Failed: failed }) };
};

const receiveMessage: SqsOperation = async (call, deps) => {
  const shape = queueUrl.extend({
    MaxNumberOfMessages: z.int().min(1).max(10).optional(),
    VisibilityTimeout: z.int().min(0).max(MOST_VISIBILITY).optional(),
    WaitTimeSeconds: z.int().min(0).max(20).optional(),
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

/** `All`, `.*`, `prefix.*` or a name. */
function isWanted(name: string, wanted: string): boolean {
  if (wanted === 'All' || wanted === '.*') return true;
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
  await deps.queues.store.delete(queueOf(input.QueueUrl, deps).queueId, [receiptIn(input.ReceiptHandle)]);
  return {};
};

const deleteMessageBatch: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ Entries: z.array(z.object({ Id: z.string(), ReceiptHandle: z.string() })) }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  checkEntries(input.Entries);
  const { done, failed } = batch(input.Entries, (entry) => receiptIn(entry.ReceiptHandle));
  await deps.queues.store.delete(
    queue.queueId,
    done.map((d) => d.value),
  );
  return { Successful: done.map(({ id: Id }) => ({ Id })), ...(failed.length === 0 ? {} : { Failed: failed }) };
};

const changing = z.object({ ReceiptHandle: z.string(), VisibilityTimeout: z.int().min(0).max(MOST_VISIBILITY) });

const changeMessageVisibility: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend(changing.shape), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  const receipt = receiptIn(input.ReceiptHandle);
  const changed = await deps.queues.store.hide(queue.queueId, [{ receipt, seconds: input.VisibilityTimeout }]);
  if (!changed.has(receipt)) throw notInFlight(receipt);
  return {};
};

const changeMessageVisibilityBatch: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ Entries: z.array(changing.extend({ Id: z.string() })) }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  checkEntries(input.Entries);
  const { done, failed } = batch(input.Entries, (e) => ({ receipt: receiptIn(e.ReceiptHandle), seconds: e.VisibilityTimeout }));
  const changed = await deps.queues.store.hide(
    queue.queueId,
    done.map((d) => d.value),
  );
  const Successful = done.filter((d) => changed.has(d.value.receipt)).map(({ id: Id }) => ({ Id }));
  const gone = done
    .filter((d) => !changed.has(d.value.receipt))
    .map((d) => ({ Id: d.id, Code: 'MessageNotInflight', Message: notInFlight(d.value.receipt).message, SenderFault: true }));
  const Failed = [...failed, ...gone];
  return { Successful, ...(Failed.length === 0 ? {} : { Failed }) };
};

function receiptIn(text: string): string {
  if (/^\d{1,18}\.[0-9a-f-]{36}$/.test(text)) return text;
  throw new HearthError('ReceiptHandleIsInvalid', `The input receipt handle "${text}" is not a valid receipt handle.`);
}

function notInFlight(receipt: string): HearthError {
  return new HearthError(
    'MessageNotInflight',
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
