import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authority, Caller } from '../../auth/authority.ts';
import { HearthError } from '../../errors.ts';
import { readAll } from '../../lib/read-all.ts';
import { sendBody } from '../../lib/send-body.ts';
import { MESSAGE_OPERATIONS } from './message-operations.ts';
import { MOVE_OPERATIONS } from './move-operations.ts';
import { PERMISSION_OPERATIONS } from './permission-operations.ts';
import { resourceOf, type SqsDeps, type SqsOperation } from './operation.ts';
import { queryAnswer, queryError } from './query-answer.ts';
import { isQuery, queryCall } from './query-input.ts';
import { QUEUE_OPERATIONS } from './queue-operations.ts';

export interface SqsServiceDeps extends SqsDeps {
  readonly authority: Authority;
  readonly log: { error(fields: object, message: string): void };
}

const OPERATIONS: Readonly<Record<string, SqsOperation>> = {
  ...QUEUE_OPERATIONS,
  ...MESSAGE_OPERATIONS,
  ...MOVE_OPERATIONS,
  ...PERMISSION_OPERATIONS,
};

/** What a key is asked for, in IAM's names: a batch is no action of its own. */
export const SQS_ACTIONS: readonly string[] = [...new Set(Object.keys(OPERATIONS).map(actionOf))];

function actionOf(operation: string): string {
  return `sqs:${operation.replace(/Batch$/, '')}`;
}

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
      const signed = { method: request.method ?? 'POST', url: request.url ?? '/', headers: request.headersDistinct };
      await this.#deps.authority.screenSender(signed, 'sqs');
      const body = await bodyOf(request);
      const caller = await this.#deps.authority.sender(signed, body, 'sqs');
      const call = readCall(request, body);
      read = call;
      const result = await this.#run(request, call, { caller, signal: gone.signal });
      if (call.query) sendXml(response, 200, { requestId, document: queryAnswer(call.action, requestId, result) });
      else send(response, { status: 200, requestId, headers: {} }, result);
    } catch (error) {
      if (request.readableAborted) return; // hung up before it had said what it wanted
      const known =
        error instanceof HearthError ? error : new HearthError('InternalError', 'We encountered an internal error.', { cause: error });
      if (known.fault === 'platform') this.#deps.log.error({ err: error, requestId }, 'an SQS request failed');
      const code = QUERY_CODES[known.code] ?? known.code;
      const fault = known.fault === 'platform' ? 'Receiver' : 'Sender';
      const { message, status } = known;
      if (read.query) return sendXml(response, status, { requestId, document: queryError(requestId, { code, message, fault }) });
      const headers = { 'x-amzn-query-error': `${code};${fault}` };
      const shared = COMMON_CODES.has(known.code) ? known.code : JSON_CODES[known.code];
      const type = shared === undefined ? `com.amazonaws.sqs#${known.code}` : `com.amazon.coral.service#${shared}`;
      send(response, { status, requestId, headers }, { __type: type, message });
    }
  }

  async #run(
    request: IncomingMessage,
    { action, input, query }: Read,
    { caller, signal }: { readonly caller: Caller; readonly signal: AbortSignal },
  ): Promise<Record<string, unknown>> {
    const operation = Object.hasOwn(OPERATIONS, action) ? OPERATIONS[action] : undefined;
    if (operation === undefined) {
      const how = query ? 'Action=OPERATION in a form' : 'X-Amz-Target: AmazonSQS.OPERATION';
      throw new HearthError('UnsupportedOperation', `There is no operation ${action === '' ? `(${how})` : action} of SQS here.`);
    }
    const trace = request.headers['x-amzn-trace-id'];
    const endpoint = `http://${request.headers.host ?? '127.0.0.1'}`;
    const given = input();
    // Who may send a message may send ten.
    caller.require(actionOf(action), resourceOf(action, given, this.#deps));
    const moved = action === 'StartMessageMoveTask' ? (given as { DestinationArn?: unknown } | null)?.DestinationArn : undefined;
    if (typeof moved === 'string') caller.require('sqs:SendMessage', moved);
    const traceHeader = typeof trace === 'string' ? trace : undefined;
    return operation({ input: given, endpoint, sender: caller.accessKeyId ?? 'anonymous', signal, traceHeader }, this.#deps);
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

/** Errors about who calls, common to AWS's services, with their names in the older protocol. */
const COMMON: Readonly<Record<string, string>> = {
  AccessDeniedException: 'AccessDenied',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  UnrecognizedClientException: 'InvalidClientTokenId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  IncompleteSignatureException: 'IncompleteSignature',
};
const COMMON_CODES: ReadonlySet<string> = new Set(Object.keys(COMMON));

/** Errors that the JSON protocol has for all of AWS's services, by SQS's own names. */
const JSON_CODES: Readonly<Record<string, string>> = {
  InvalidParameterValue: 'InvalidParameterValueException',
  MissingParameter: 'MissingRequiredParameterException',
};

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
  ...COMMON,
};

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const body = await readAll(request, BODY_BYTES);
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
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': head.requestId, ...head.headers };
  sendBody(response, head.status, { headers, body: Buffer.from(JSON.stringify(document)) });
}

function sendXml(response: ServerResponse, status: number, { requestId, document }: { requestId: string; document: string }): void {
  if (response.destroyed) return;
  sendBody(response, status, { headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }, body: Buffer.from(document) });
}
