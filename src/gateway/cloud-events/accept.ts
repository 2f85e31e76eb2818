import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { HearthError } from '../../errors.ts';
import { jsonElements } from '../../lib/json-elements.ts';
import { cloudEventMs, parseCloudEvent, type CloudEvent } from '../../model/cloud-event.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import { isLineage, lineageOf } from '../../model/lineage.ts';
import type { Found } from '../directory.ts';
import { authorise, bodyOf, header, resolved, type InvokeDeps } from '../invoke-deps.ts';
import { binaryEvent, isBinary } from './binary.ts';

const PATH = /^\/hearth\/v1\/cloudevents\/([^/?]+)\/?(?:\?.*)?$/;
/** Events in one batch. */
const MOST_EVENTS = 1_000;

interface Given {
  readonly event: CloudEvent;
  /** The event in JSON's form: what the function gets. */
  readonly json: Buffer;
}

/** The function that a URL sends CloudEvents to: `/hearth/v1/cloudevents/NAME` or `NAME:QUALIFIER`; null when it is no such URL. */
export function cloudEventTarget(url: string): string | null {
  const name = PATH.exec(url)?.[1];
  if (name === undefined) return null;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * Takes CloudEvents over HTTP (binary, structured, batched) for a function: 202 once they are durable in the ledger, all of a batch or none. What comes
 * twice with the same source and id is one event. Rejects with HearthError; 400 names the attribute that is wrong.
 */
export async function acceptCloudEvents(
  request: IncomingMessage,
  response: ServerResponse,
  context: { name: string; requestId: string; deps: InvokeDeps },
): Promise<void> {
  const { name, requestId, deps } = context;
  if (request.method === 'OPTIONS') return permit(request, response);
  if (request.method !== 'POST') throw new HearthError('MethodNotAllowed', 'send CloudEvents with POST');
  const found = await resolved(request, deps, { name, qualifier: null });
  const body = await bodyOf(request, { authority: deps.authority, maxBytes: deps.eventBytes });
  if (deps.authority?.required === true) await authorise(request, { body, found, authority: deps.authority });
  const given = eventsOf(request, body);
  const large = given.find(({ json }) => json.length > deps.eventBytes);
  if (large !== undefined)
    throw new HearthError(
      'RequestTooLargeException',
      `data: with it the event has ${large.json.length} bytes, and may have ${deps.eventBytes}`,
    );
  const traceId = header(request, 'x-amzn-trace-id');
  const deliveries = given.map((one) => delivery(one, { found, traceId, nowMs: deps.clock.now() }));
  await deps.intake.accept(deliveries);
  const [only, ...more] = deliveries;
  const id = only === undefined || more.length > 0 ? {} : { 'x-hearth-event-id': only.id };
  response.writeHead(202, { 'content-length': 0, 'x-amzn-requestid': requestId, ...id });
  response.end();
}

/** Says to who asks by CloudEvents' webhook handshake that events may be sent here. */
function permit(request: IncomingMessage, response: ServerResponse): void {
  const origin = header(request, 'webhook-request-origin');
  response.writeHead(200, {
    allow: 'OPTIONS, POST',
    'content-length': 0,
    ...(origin === '' ? {} : { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' }),
  });
  response.end();
}

function eventsOf(request: IncomingMessage, body: Buffer): Given[] {
  const contentType = header(request, 'content-type').toLowerCase();
  const [, batch, format] = /^application\/cloudevents(-batch)?(?:\+([a-z0-9.-]+))?\s*(?:;|$)/.exec(contentType) ?? [];
  const structured = contentType.startsWith('application/cloudevents');
  if (structured && format !== 'json') {
    throw new HearthError(
      'UnsupportedMediaTypeException',
      `CloudEvents are read as JSON (application/cloudevents+json), not as ${contentType}`,
    );
  }
  if (structured) return batch === undefined ? [{ event: parseCloudEvent(json(body)), json: body }] : batchOf(body);
  const headers = request.headersDistinct;
  if (isBinary(headers)) return [binaryEvent(headers, body)];
  throw new HearthError(
    'InvalidRequestContentException',
    'specversion: is missing; send an event as application/cloudevents+json, or its attributes as headers (ce-specversion: 1.0, ce-id, ce-source, ce-type)',
    { details: { attribute: 'specversion' } },
  );
}

function batchOf(body: Buffer): Given[] {
  const value = json(body);
  if (!Array.isArray(value)) throw new HearthError('InvalidRequestContentException', 'a batch of CloudEvents must be a list');
  if (value.length > MOST_EVENTS) throw new HearthError('RequestTooLargeException', `a batch may have ${MOST_EVENTS} events`);
  const texts = jsonElements(body);
  return value.map((one, index) => {
    try {
      return { event: parseCloudEvent(one), json: texts[index] as Buffer };
    } catch (error) {
      if (!(error instanceof HearthError)) throw error;
      throw new HearthError(error.code, `[${index}].${error.message}`, { cause: error, details: error.details });
    }
  });
}

function json(body: Buffer): unknown {
  try {
    if (!isUtf8(body)) throw new SyntaxError('it is not UTF-8');
    return JSON.parse(body.toString()) as unknown;
  } catch (error) {
    throw new HearthError('InvalidRequestContentException', `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** The event's source and id, which together are one event's for ever, make the delivery's id. */
function delivery({ event, json }: Given, of: { found: Found; traceId: string; nowMs: number }): NewDelivery {
  const { found, traceId, nowMs } = of;
  const { id, source, type, subject, hearthlineage } = event;
  const digest = createHash('sha256').update(`${source}\0${id}`).digest('hex').slice(0, 32);
  const chain = typeof hearthlineage === 'string' && isLineage(hearthlineage) ? hearthlineage : '';
  return {
    id: `ce:${digest}`,
    source: 'events',
    sourceArn: source.slice(0, 1_024),
    subject: `${type}/${typeof subject === 'string' ? subject : id}`.slice(0, 1_024),
    functionId: found.version.functionId,
    qualifier: found.qualifier === '$LATEST' ? null : found.qualifier,
    orderKey: null,
    payload: json,
    lineage: lineageOf(traceId) || chain,
    traceId,
    occurredAtMs: cloudEventMs(event) ?? nowMs,
  };
}
