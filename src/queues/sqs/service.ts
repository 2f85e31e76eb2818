import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Keys } from '../../auth/keys.ts';
import { sha256Hex } from '../../auth/sigv4.ts';
import { verifySignature } from '../../auth/verify.ts';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { readAll } from '../../lib/read-all.ts';
import { MESSAGE_OPERATIONS } from './message-operations.ts';
import { MOVE_OPERATIONS } from './move-operations.ts';
import type { SqsDeps, SqsOperation } from './operation.ts';
import { queryAnswer, queryError } from './query-answer.ts';
import { isQuery, queryCall } from './query-input.ts';
import { QUEUE_OPERATIONS } from './queue-operations.ts';

export interface SqsServiceDeps extends SqsDeps {
  readonly keys: Keys;
  /** Whether requests that are not signed are served. */
  readonly anonymous: boolean;
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
}

const OPERATIONS: Readonly<Record<string, SqsOperation>> = { ...QUEUE_OPERATIONS, ...MESSAGE_OPERATIONS, ...MOVE_OPERATIONS };
/** The endpoint itself, or a queue's URL. */
const QUERY_PATH = /^\/(?:\d{12}\/[^/?]+\/?)?(?:\?|$)/;
const TARGET = /^AmazonSQS\.(\w+)$/;
/** Ten messages of the greatest size, with what JSON makes of them. */
const BODY_BYTES = 16 * 1024 * 1024;

/** A call, whichever protocol it came by. */
interface Read {
  readonly query: boolean;
  readonly action: string;
  readonly input: () => unknown;
}

/** SQS's API on the one endpoint: AWS's JSON protocol 1.0, and the Query protocol (forms, answered in XML) that older clients speak. */
export class SqsService {
  readonly ownOriginOnly = true;
  readonly #deps: SqsServiceDeps;

  constructor(deps: SqsServiceDeps) {
    this.#deps = deps;
  }

  claims(request: IncomingMessage, signedFor: string | null): boolean {
    if (signedFor === 'sqs' || String(request.headers['x-amz-target'] ?? '').startsWith('AmazonSQS.')) return true;
    // A form that nobody signed, to the endpoint or to a queue's URL: S3's forms are of another type.
    return signedFor === null && request.method === 'POST' && isForm(request) && QUERY_PATH.test(request.url ?? '');
  }

  /** Serves a request; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    let read: Pick<Read, 'query' | 'action'> = { query: isForm(request), action: '' };
    try {
      const body = await bodyOf(request);
      const sender = await this.#sender(request, body);
      const call = readCall(request, body);
      read = call;
      const result = await this.#run(request, call, { sender, signal: gone.signal });
      if (call.query) sendXml(response, 200, { requestId, document: queryAnswer(call.action, requestId, result) });
      else send(response, { status: 200, requestId, headers: {} }, result);
    } catch (error) {
      const known =
        error instanceof HearthError ? error : new HearthError('InternalError', 'We encountered an internal error.', { cause: error });
      if (known.fault === 'platform') this.#deps.log.error({ err: error, requestId }, 'an SQS request failed');
      const code = QUERY_CODES[known.code] ?? known.code;
      const fault = known.fault === 'platform' ? 'Receiver' : 'Sender';
      const { message, status } = known;
      if (read.query) return sendXml(response, status, { requestId, document: queryError(requestId, { code, message, fault }) });
      const headers = { 'x-amzn-query-error': `${code};${fault}` };
      send(response, { status, requestId, headers }, { __type: `com.amazonaws.sqs#${known.code}`, message });
    }
  }

  async #run(
    request: IncomingMessage,
    { action, input, query }: Read,
    from: { readonly sender: string; readonly signal: AbortSignal },
  ): Promise<Record<string, unknown>> {
    const operation = Object.hasOwn(OPERATIONS, action) ? OPERATIONS[action] : undefined;
    if (operation === undefined) {
      const how = query ? 'Action=OPERATION in a form' : 'X-Amz-Target: AmazonSQS.OPERATION';
      throw new HearthError('UnsupportedOperation', `There is no operation ${action === '' ? `(${how})` : action} of SQS here.`);
    }
    const trace = request.headers['x-amzn-trace-id'];
    const endpoint = `http://${request.headers.host ?? '127.0.0.1'}`;
    return operation({ input: input(), endpoint, ...from, traceHeader: typeof trace === 'string' ? trace : undefined }, this.#deps);
  }

  async #sender(request: IncomingMessage, body: Buffer): Promise<string> {
    const { keys, clock, anonymous } = this.#deps;
    const signed = { method: request.method ?? 'POST', url: request.url ?? '/', headers: request.headersDistinct };
    const verified = await verifySignature(signed, { keys, service: 'sqs', nowMs: clock.now(), payloadHash: sha256Hex(body) });
    const stated = request.headers['x-amz-content-sha256'];
    if (verified !== null && typeof stated === 'string' && stated !== 'UNSIGNED-PAYLOAD' && stated !== sha256Hex(body))
      throw new HearthError('SignatureDoesNotMatch', 'The payload is not the one that was signed.');
    if (verified !== null) return verified.accessKeyId;
    if (!anonymous)
      throw new HearthError('InvalidSecurity', 'The request must be signed; the key is in the file `credentials` of HEARTH_HOME.');
    return 'anonymous';
  }
}

function isForm(request: IncomingMessage): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '');
}

/** Reads what is asked for. The parameters of the Query protocol are in the body, or in the URL of a GET. */
function readCall(request: IncomingMessage, body: Buffer): Read {
  const target = TARGET.exec(String(request.headers['x-amz-target'] ?? ''))?.[1];
  const [path = '/', search = ''] = (request.url ?? '/').split('?');
  const parameters = new URLSearchParams(target === undefined && isForm(request) ? body.toString() : search);
  if (target !== undefined || !isQuery(parameters)) return { query: false, action: target ?? '', input: () => json(body) };
  const { action, input } = queryCall(parameters, path);
  return { query: true, action, input: () => input };
}

/** How the older protocol named some errors; SDKs look for these. */
const QUERY_CODES: Readonly<Record<string, string>> = {
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
};

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const body = await readAll(request as AsyncIterable<Buffer>, BODY_BYTES);
  if (body === null) throw new HearthError('BatchRequestTooLong', `A request may have ${BODY_BYTES} bytes.`);
  return body;
}

function json(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (error) {
    throw new HearthError('InvalidParameterValue', `The body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function send(
  response: ServerResponse,
  head: { status: number; requestId: string; headers: Record<string, string> },
  document: Record<string, unknown>,
): void {
  if (response.destroyed) return;
  const body = Buffer.from(JSON.stringify(document));
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': body.length,
    'x-amzn-requestid': head.requestId,
    ...head.headers,
  };
  response.writeHead(head.status, headers);
  response.end(body);
}

function sendXml(response: ServerResponse, status: number, { requestId, document }: { requestId: string; document: string }): void {
  if (response.destroyed) return;
  const body = Buffer.from(document);
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': body.length, 'x-amzn-requestid': requestId });
  response.end(body);
}
