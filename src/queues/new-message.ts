import { createHash } from 'node:crypto';
import { HearthError } from '../errors.ts';
import type { Ids } from '../lib/ids.ts';
import type { MessageAttribute, NewMessage, Queue } from '../model/queue.ts';
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

/** What XML can't hold, and SQS refuses. */
// eslint-disable-next-line no-control-regex -- these are the characters meant
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

/** Checks a message against its queue and completes it. Throws SQS's errors. */
export function newMessage(queue: Queue, given: GivenMessage, ids: Pick<Ids, 'ordered'>): NewMessage {
  const { body, attributes = {} } = given;
  if (body === '') throw new HearthError('MissingParameter', 'The request must contain the parameter MessageBody.');
  const bytes = Buffer.byteLength(body) + attributeBytes(attributes);
  const most = queue.attributes.maximumMessageSize;
  if (bytes > most) throw invalid(`One or more parameters are invalid. Reason: Message must be shorter than ${most} bytes.`);
  const texts = Object.values(attributes).map((a) => a.StringValue ?? '');
  if ([body, ...texts].some((text) => FORBIDDEN.test(text)))
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
    delaySeconds,
    ...order(queue, given),
  };
}

function order(queue: Queue, given: GivenMessage): { groupId: string | null; deduplicationId: string | null } {
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
    throw invalid('The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly.');
  return { groupId: given.groupId, deduplicationId };
}

function attributeBytes(attributes: Readonly<Record<string, MessageAttribute>>): number {
  let bytes = 0;
  for (const [name, a] of Object.entries(attributes)) {
    if (!/^(String|Number|Binary)(\..+)?$/.test(a.DataType))
      throw invalid(
        `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
      );
    const value = a.DataType.startsWith('Binary') ? a.BinaryValue : a.StringValue;
    if (value === undefined || value === '')
      throw invalid(`The message attribute '${name}' must contain a non-empty message attribute value.`);
    bytes +=
      Buffer.byteLength(name) +
      Buffer.byteLength(a.DataType) +
      (a.DataType.startsWith('Binary') ? Buffer.byteLength(value, 'base64') : Buffer.byteLength(value));
  }
  return bytes;
}

function invalid(message: string): HearthError {
  return new HearthError('InvalidParameterValue', message);
}
