import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../auth/authority.ts';
import type { Dispatched } from '../dispatch/dispatcher.ts';
import { HearthError } from '../errors.ts';
import { documentMessage } from '../model/error-document.ts';
import { functionArn } from '../model/function-version.ts';
import { placeOf } from './chain.ts';
import { coldHeaders } from './cold-headers.ts';
import type { Found } from './directory.ts';
import { announce, authorise, bodyOf, header, resolved, type InvokeDeps } from './invoke-deps.ts';
import { acceptEvent } from './invoke-event.ts';
import { checkPayload, clientContext, invocationType, unparsable } from './invoke-request.ts';
import { EventStreamAnswer } from './invoke-stream.ts';
import { cutIfUnread } from './unread.ts';

/** A request to Lambda's Invoke. */
export interface InvokeTarget {
  /** Name, partial or full ARN, decoded. */
  readonly name: string;
  readonly qualifier: string | null;
  readonly requestId: string;
  readonly form: AnswerForm;
}

const PATH =
  /^\/(2015-03-31|2021-11-15|2014-11-13)\/functions\/([^/?]+)\/(invocations|response-streaming-invocations|invoke-async)\/?(?:\?(.*))?$/;

/** How the answer goes out: as a body, as a stream of events, or not at all (the deprecated InvokeAsync). */
type AnswerForm = 'whole' | 'events' | 'none';

/** The operations of the API, each under the date it came with. */
const FORMS: Readonly<Record<string, AnswerForm>> = {
  '2015-03-31/invocations': 'whole',
  '2021-11-15/response-streaming-invocations': 'events',
  '2014-11-13/invoke-async': 'none',
};

/** Whether a URL is an Invoke, and of what. */
export function invokeTarget(url: string, requestId: string): InvokeTarget | null {
  const match = PATH.exec(url);
  if (match?.[2] === undefined) return null;
  const form = FORMS[`${match[1]}/${match[3]}`];
  if (form === undefined) return null;
  const qualifier = match[4] === undefined ? null : new URLSearchParams(match[4]).get('Qualifier');
  return { name: decodeName(match[2]), qualifier, requestId, form };
}

/** Serves `POST /2015-03-31/functions/NAME/invocations`. Rejects with HearthError for all that is not an answer of the function. */
export async function invoke(
  request: IncomingMessage,
  response: ServerResponse,
  context: { target: InvokeTarget; deps: InvokeDeps },
): Promise<void> {
  const { target, deps } = context;
  const type = invocationType(request, target.form === 'events');
  const asked = await resolved(request, deps, target);
  if (type === 'Event' || target.form === 'none') {
    return acceptEvent(request, response, { requestId: target.requestId, found: asked, deps, status: target.form === 'none' });
  }
  if (type === 'RequestResponse') announce(request, { found: asked, deps });
  const body = await bodyOf(request, { authority: deps.authority, maxBytes: deps.payloadBytes });
  const caller = deps.authority?.required === true ? await authorise(request, { body, found: asked, authority: deps.authority }) : null;
  // Found again: while a body arrives, another revision may have taken over.
  const found = deps.directory.resolve(target.name, target.qualifier);
  if (type === 'DryRun') {
    response.writeHead(204, { 'x-amzn-requestid': target.requestId, 'x-amz-executed-version': found.version.version });
    response.end();
    return;
  }
  checkPayload(body);
  deps.directory.requireReady(found.version);
  const wantTail = request.headers['x-amz-log-type'] === 'Tail';
  deps.rates.take(found.version);
  const asInvoked = invocation(request, { target, found, body, deps, caller });
  if (target.form === 'events') {
    const { requestId } = target;
    const options = { requestId, executedVersion: found.version.version, wantTail, limitBytes: deps.streamBytes };
    const sink = new EventStreamAnswer(response, options);
    sink.end(checked(body, await deps.dispatcher.invoke(found.version, { ...asInvoked, sink }, wantTail)));
  } else respond(response, checked(body, await deps.dispatcher.invoke(found.version, asInvoked, wantTail)));
}

/** A request to invoke a function that may be served. */
interface Taken {
  readonly target: InvokeTarget;
  readonly found: Found;
  readonly body: Buffer;
  readonly deps: InvokeDeps;
  /** Null: nobody was asked. */
  readonly caller: Caller | null;
}

function invocation(request: IncomingMessage, from: Taken) {
  const { target, found, body, deps, caller } = from;
  const { requestId } = target;
  const { functionId } = found.version;
  const traceId = header(request, 'x-amzn-trace-id');
  const asked = { functionId, requestId, traceId, clock: deps.clock, accessKeyId: caller?.accessKeyId ?? null };
  const suffix = found.qualifier === null ? '' : `:${found.qualifier}`;
  const { lineage, traceId: trace } = placeOf(asked, deps.chains);
  return {
    requestId,
    attempt: 1,
    body,
    invokedArn: functionArn(found.version) + suffix,
    lineage,
    traceId: trace,
    clientContext: clientContext(request),
    receivedAtMs: deps.clock.monotonic(),
  };
}

function respond(response: ServerResponse, done: Dispatched): void {
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': done.body.length,
    'x-amzn-requestid': done.requestId,
    'x-amz-executed-version': done.executedVersion,
  };
  if (done.error !== null) headers['x-amz-function-error'] = done.error.kind;
  if (done.logTail !== null) headers['x-amz-log-result'] = done.logTail.toString('base64');
  coldHeaders(headers, done);
  response.writeHead(200, headers);
  endWith(response, done.body);
}

/** Above this a body is written as it lies, in a system call of its own. */
const ONE_WRITE_BYTES = 16 * 1024;

/** Ends a response. A small body goes out in one write with the headers, which node:http does for text only. */
export function endWith(response: ServerResponse, body: Buffer): void {
  if (body.length <= ONE_WRITE_BYTES) response.end(body.toString('latin1'), 'latin1');
  else {
    response.end(body);
    cutIfUnread(response);
  }
}

function decodeName(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw new HearthError('ValidationException', `the function name '${raw}' is not valid percent-encoding`);
  }
}

/** An event that the shim could not parse is the caller's fault, answered as Lambda does. */
function checked(body: Buffer, done: Dispatched): Dispatched {
  if (done.error?.errorType !== 'Runtime.UnmarshalError') return done;
  throw unparsable(body, documentMessage(done.body) ?? '');
}
