import { HearthError } from '../../errors.ts';
import type { BusEvent, Published } from '../../model/event-rule.ts';
import { lineageOf } from '../../model/lineage.ts';
import type { JsonCall } from '../aws-json.ts';
import type { Input } from '../lambda/model/check.ts';
import { requireBus, type EventsDeps } from './rules.ts';

/** EventBridge's bound of all entries together. */
const REQUEST_BYTES = 1024 * 1024;

/** What PostgreSQL keeps in no text: NUL, and halves of surrogate pairs. */
// eslint-disable-next-line no-control-regex -- the character meant
const NO_TEXT = /\u0000|\p{Surrogate}/u;

interface Refused {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

/** Puts events on their buses: each is taken or refused by itself. What is taken is durable when this is answered. */
export async function putEvents({ input, traceHeader }: JsonCall, deps: EventsDeps): Promise<Record<string, unknown>> {
  const entries = input['Entries'] as readonly Input[];
  if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > REQUEST_BYTES)
    throw new HearthError('ValidationException', 'Total size of the entries in the request is over the limit.');
  const read = entries.map((entry) => readEntry(entry, traceHeader, deps));
  await deps.publish(read.filter((one) => 'event' in one));
  return {
    FailedEntryCount: read.filter((one) => !('event' in one)).length,
    Entries: read.map((one) => ('event' in one ? { EventId: one.event.id } : one)),
  };
}

function readEntry(entry: Input, traceHeader: string, deps: EventsDeps): Published | Refused {
  const refused = (ErrorCode: string, ErrorMessage: string): Refused => ({ ErrorCode, ErrorMessage });
  const missing = ['Source', 'DetailType', 'Detail'].find((name) => (entry[name] ?? '') === '');
  if (missing !== undefined)
    return refused('InvalidArgument', `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`);
  const wrong = ['Source', 'DetailType', 'TraceHeader'].find((name) => NO_TEXT.test((entry[name] as string | undefined) ?? ''));
  if (wrong !== undefined)
    return refused('InvalidArgument', `Parameter ${wrong} is not valid. Reason: it has the character NUL, or half of a surrogate pair.`);
  const source = String(entry['Source']);
  if (source.startsWith('aws.')) return refused('NotAuthorizedForSourceException', 'Not authorized for the source.');
  const detail = objectIn(String(entry['Detail']));
  if (detail === null) return refused('MalformedDetail', 'Detail is malformed.');
  let bus: string;
  try {
    bus = requireBus(entry['EventBusName'], deps);
  } catch (error) {
    return refused('ResourceNotFoundException', (error as Error).message);
  }
  const trace = (entry['TraceHeader'] as string | undefined) ?? traceHeader;
  const event: BusEvent = {
    version: '0',
    id: deps.ids.uuid(),
    'detail-type': String(entry['DetailType']),
    source,
    account: deps.scope.accountId,
    time: `${new Date((entry['Time'] as number | undefined) ?? deps.clock.now()).toISOString().slice(0, 19)}Z`,
    region: deps.scope.region,
    resources: (entry['Resources'] as string[] | undefined) ?? [],
    detail,
  };
  return { bus, event, lineage: lineageOf(trace), traceId: trace };
}

/** As EventBridge counts: texts in UTF-8, and 14 bytes for a time. */
function sizeOf(entry: Input): number {
  const texts = [entry['Source'], entry['DetailType'], entry['Detail'], ...((entry['Resources'] as unknown[] | undefined) ?? [])];
  const bytes = texts.reduce<number>((sum, text) => sum + (typeof text === 'string' ? Buffer.byteLength(text) : 0), 0);
  return bytes + (entry['Time'] === undefined ? 0 : 14);
}

/** An object that can be written as it was read: JSON.parse takes lists that are nested deeper than JSON.stringify does. */
function objectIn(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    JSON.stringify(value);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
