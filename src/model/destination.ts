import { HearthError } from '../errors.ts';
import { isSystemTable, parseTableArn } from './table-arn.ts';

/** How an event is sent as a CloudEvent: as one JSON document, or with its attributes as headers. */
export type CloudEventMode = 'structured' | 'binary';

/** Where the outcome of asynchronous invocations goes, as Lambda's API and hearth.yaml name it. */
export type DestinationName =
  | { readonly kind: 'function'; readonly name: string; readonly qualifier: string | null }
  | { readonly kind: 'queue'; readonly queue: string }
  | { readonly kind: 'http'; readonly url: string; readonly cloudEvents?: CloudEventMode }
  | { readonly kind: 'bucket'; readonly bucket: string; readonly prefix: string }
  /** What the function answered, as rows; `connection`: a variable with the connection string of another server. */
  | { readonly kind: 'table'; readonly table: string; readonly connection: string | null }
  /** An event bus, by its name. */
  | { readonly kind: 'bus'; readonly bus: string };

const FUNCTION = /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:([a-zA-Z0-9-_]{1,64})(?::([a-zA-Z0-9$_-]{1,129}))?$/;
const QUEUE = /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:([a-zA-Z0-9-_]{1,80}(?:\.fifo)?)$/;
const BUCKET = /^arn:aws[a-z-]*:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;

const BUS = /^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/([\w.-]{1,256})$/;

/** An address may end so, since Lambda's API has one text for it: what is sent there is a CloudEvent. */
const AS_CLOUD_EVENT = /#cloudevents(?:=(structured|binary))?$/;

/** An address with what is sent to it. */
export function httpDestination(url: string, cloudEvents: CloudEventMode | undefined): string {
  return cloudEvents === undefined ? url : `${url.replace(/#.*$/, '')}#cloudevents=${cloudEvents}`;
}

/** Reads the ARN of a function, a queue, a bucket (with a key prefix after a slash), a table or an event bus, or an address. Throws InvalidParameterValueException. */
export function parseDestination(text: string): DestinationName {
  const [, name, qualifier] = FUNCTION.exec(text) ?? [];
  if (name !== undefined) return { kind: 'function', name, qualifier: qualifier ?? null };
  const queue = QUEUE.exec(text)?.[1];
  if (queue !== undefined) return { kind: 'queue', queue };
  const [, bucket, prefix] = BUCKET.exec(text) ?? [];
  if (bucket !== undefined) return { kind: 'bucket', bucket, prefix: prefix ?? '' };
  const bus = BUS.exec(text)?.[1];
  if (bus !== undefined) return { kind: 'bus', bus };
  const stream = parseTableArn(text);
  if (stream !== null && !isSystemTable(stream.table)) return { kind: 'table', table: stream.table, connection: stream.connection };
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) {
    const found = AS_CLOUD_EVENT.exec(text);
    if (found === null) return { kind: 'http', url: text };
    return { kind: 'http', url: text.slice(0, found.index), cloudEvents: found[1] === 'binary' ? 'binary' : 'structured' };
  }
  throw new HearthError(
    'InvalidParameterValueException',
    `The destination ${text} is none that can be reached: give the ARN of a function, of a queue, of a bucket (with /PREFIX), of a table or of an event bus, or an http(s) address.`,
  );
}
