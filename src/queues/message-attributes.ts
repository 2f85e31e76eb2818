import { HearthError } from '../errors.ts';
import type { MessageAttribute } from '../model/queue.ts';

type Attributes = Readonly<Record<string, MessageAttribute>>;

/** What XML can't hold, and SQS refuses. */
// eslint-disable-next-line no-control-regex -- these are the characters meant
export const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

const MOST = 10;
/** Letters of every script, whatever SQS says of it. */
const NAME = /^(?!\.)(?!.*\.\.)[\p{L}\p{M}\p{N}_.-]{1,256}(?<!\.)$/u;
const RESERVED = /^(?:aws|amazon)\./i;
const TYPE = /^(?:String|Number|Binary)(?:\..+)?$/;
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;

/** Refuses attributes of a message that SQS would. Throws InvalidParameterValue. */
export function checkAttributes(attributes: Attributes): void {
  const all = Object.entries(attributes);
  if (all.length > MOST) throw invalid(`Number of message attributes [${all.length}] exceeds the allowed maximum [${MOST}].`);
  for (const [name, attribute] of all) checkAttribute(name, attribute);
}

function checkAttribute(name: string, attribute: MessageAttribute): void {
  if (!NAME.test(name) || RESERVED.test(name))
    throw invalid(
      `The message attribute name '${name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters; it begins and ends with no period, and not with AWS. or Amazon.`,
    );
  const { DataType: type, StringValue: text = '' } = attribute;
  if (!TYPE.test(type))
    throw invalid(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  if (valueOf(attribute).length === 0)
    throw invalid(`Message (user) attribute '${name}' must contain a non-empty value of type '${type}'.`);
  if (FORBIDDEN.test(text)) throw invalid(`Message (user) attribute '${name}' has characters that are not allowed in a message.`);
  if (type.startsWith('Number') && !NUMBER.test(text))
    throw invalid(`Can't cast the value of message (user) attribute '${name}' to a number.`);
}

/** What SQS counts of a message's attributes: names, types and values. */
export function attributeBytes(attributes: Attributes): number {
  return Object.entries(attributes).reduce(
    (bytes, [name, a]) => bytes + Buffer.byteLength(name) + Buffer.byteLength(a.DataType) + valueOf(a).length,
    0,
  );
}

function valueOf({ DataType, BinaryValue = '', StringValue = '' }: MessageAttribute): Buffer {
  return DataType.startsWith('Binary') ? Buffer.from(BinaryValue, 'base64') : Buffer.from(StringValue);
}

function invalid(message: string): HearthError {
  return new HearthError('InvalidParameterValue', message);
}
