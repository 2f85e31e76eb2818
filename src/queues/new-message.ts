import { createHash } from 'node:crypto';
import { HearthError } from '../errors.ts';
import type { Ids } from '../lib/ids.ts';
import type { MessageAttribute, NewMessage, Queue } from '../model/queue.ts';
import { attributeBytes, checkAttributes, FORBIDDEN } from './message-attributes.ts';
import { md5, md5OfAttributes } from './message-digest.ts';

/** A message as a caller gives it. */
export interface GivenMessage {
  readonly body: string;
  readonly attributes?: Readonly<Record<string, MessageAttribute>> | undefined;
  readonly groupId?: string | undefined;
  readonly deduplicationId?: string | undefined;
  readonly delaySeconds?: number | undefined;
  readonly traceHeader?: string | undefined;
  readonly sender: string;
}

/** Checks a message against its queue and completes it. Throws SQS's errors. */
export function newMessage(queue: Queue, given: GivenMessage, ids: Pick<Ids, 'ordered'>): NewMessage {
  const { body, attributes = {} } = given;
  if (body === '') throw new HearthError('MissingParameter', 'The request must contain the parameter MessageBody.');
  const bytes = messageBytes({ body, attributes });
  const most = queue.attributes.maximumMessageSize;
  if (bytes > most) throw invalid(`One or more parameters are invalid. Reason: Message must be shorter than ${most} bytes.`);
  checkAttributes(attributes);
  if (FORBIDDEN.test(body))
    throw new HearthError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD.',
    );
  const delaySeconds = given.delaySeconds ?? null;
  if (delaySeconds !== null && (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > 900))
    throw invalid(`Value ${delaySeconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.`);
  return {
    messageId: ids.ordered(),
    body,
    attributes,
    md5Body: md5(body),
    md5Attributes: md5OfAttributes(attributes),
    traceHeader: given.traceHeader ?? null,
    sender: given.sender,
    delaySeconds: queue.attributes.fifo ? null : delaySeconds,
    ...order(queue, given),
  };
}

/** What SQS counts of a message. */
export function messageBytes({ body, attributes = {} }: Pick<GivenMessage, 'body' | 'attributes'>): number {
  return Buffer.byteLength(body) + attributeBytes(attributes);
}

/** What a message is ordered and known by, as its queue has it. Throws SQS's errors. */
export function order(queue: Queue, given: Omit<GivenMessage, 'sender'>): { groupId: string | null; deduplicationId: string | null } {
  const { fifo, contentBasedDeduplication } = queue.attributes;
  if (!fifo) {
    if (given.deduplicationId !== undefined)
      throw invalid(
        `Value ${given.deduplicationId} for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.`,
      );
    return { groupId: given.groupId ?? null, deduplicationId: null };
  }
  if (given.groupId === undefined || given.groupId === '')
    throw new HearthError('MissingParameter', 'The request must contain the parameter MessageGroupId.');
  if (given.delaySeconds !== undefined && given.delaySeconds !== 0)
    throw invalid(
      `Value ${given.delaySeconds} for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.`,
    );
  const deduplicationId =
    given.deduplicationId ?? (contentBasedDeduplication ? createHash('sha256').update(given.body).digest('hex') : undefined);
  if (deduplicationId === undefined)
    throw invalid('The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly');
  return { groupId: given.groupId, deduplicationId };
}

function invalid(message: string): HearthError {
  return new HearthError('InvalidParameterValue', message);
}
