import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { HearthError } from '../errors.ts';
import { payloadFault } from './payload-fault.ts';

export type InvocationType = 'RequestResponse' | 'Event' | 'DryRun';

const TYPES: ReadonlySet<string> = new Set(['Event', 'RequestResponse', 'DryRun']);
/** Those of InvokeWithResponseStream. */
const STREAMED_TYPES: ReadonlySet<string> = new Set(['RequestResponse', 'DryRun']);
const LOG_TYPES: ReadonlySet<string> = new Set(['None', 'Tail']);
/** Media types that certainly are not JSON. Many clients send JSON under another name, or none. */
const NOT_JSON = /^(?:multipart|image|audio|video|font)\/|^(?:text\/html|application\/(?:xml|zip|gzip|pdf))\b/i;
/** Lambda's limit of a client context, bytes of base64. */
const CLIENT_CONTEXT_BYTES = 3583;

/** What an Invoke asks for in its headers; `streamed`: an InvokeWithResponseStream. Throws as Lambda does. */
export function invocationType(request: IncomingMessage, streamed: boolean): InvocationType {
  const { headers } = request;
  const type = headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const logType = headers['x-amz-log-type'];
  const faults: string[] = [];
  const types = streamed ? STREAMED_TYPES : TYPES;
  if (!types.has(String(type))) faults.push(notIn(String(type), 'invocationType', types));
  if (logType !== undefined && !LOG_TYPES.has(String(logType))) faults.push(notIn(String(logType), 'logType', LOG_TYPES));
  if (faults.length > 0) {
    const count = faults.length === 1 ? '1 validation error' : `${faults.length} validation errors`;
    throw new HearthError('ValidationException', `${count} detected: ${faults.join('; ')}`);
  }
  const contentType = headers['content-type'];
  if (contentType !== undefined && NOT_JSON.test(contentType))
    throw new HearthError('UnsupportedMediaTypeException', `The content type of the Invoke request body is not JSON: ${contentType}`);
  return type as InvocationType;
}

/** The client context, decoded; '' when there is none. Throws InvalidRequestContentException when it is not base64 of JSON. */
export function clientContext(request: IncomingMessage): string {
  const given = request.headers['x-amz-client-context'];
  if (typeof given !== 'string' || given === '') return '';
  if (given.length > CLIENT_CONTEXT_BYTES)
    throw new HearthError(
      'InvalidParameterValueException',
      `Client context must be no more than ${CLIENT_CONTEXT_BYTES} bytes when base64-encoded.`,
    );
  const text = Buffer.from(given, 'base64').toString();
  try {
    JSON.parse(text);
  } catch (error) {
    throw new HearthError('InvalidRequestContentException', `Client context must be a valid Base64-encoded JSON object.`, { cause: error });
  }
  return text;
}

/** Throws InvalidRequestContentException for a payload that is not UTF-8, which a runtime would read as something else. */
export function checkPayload(body: Buffer): void {
  if (!isUtf8(body)) throw unparsable(body, 'Invalid UTF-8');
}

/** The payload is no JSON: the caller's fault, in AWS's words. */
export function unparsable(body: Buffer, otherwise: string): HearthError {
  return new HearthError(
    'InvalidRequestContentException',
    `Could not parse request body into json: Could not parse payload into json: ${payloadFault(body) ?? otherwise}`,
  );
}

function notIn(value: string, at: string, allowed: ReadonlySet<string>): string {
  return `Value '${value}' at '${at}' failed to satisfy constraint: Member must satisfy enum value set: [${[...allowed].join(', ')}]`;
}
