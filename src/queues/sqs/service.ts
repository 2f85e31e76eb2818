import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Keys } from '../../auth/keys.ts';
import { sha256Hex } from '../../auth/sigv4.ts';
import { verifySignature } from '../../auth/verify.ts';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { MESSAGE_OPERATIONS } from './message-operations.ts';
import type { SqsDeps } from './operation.ts';
import { QUEUE_OPERATIONS } from './queue-operations.ts';

export interface SqsServiceDeps extends SqsDeps {
  readonly keys: Keys;
  /** Whether requests that are not signed are served. */
  readonly anonymous: boolean;
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
}

const OPERATIONS = { ...QUEUE_OPERATIONS, ...MESSAGE_OPERATIONS };
const TARGET = /^AmazonSQS\.(\w+)$/;
/** Ten messages of the greatest size, with what JSON makes of them. */
const BODY_BYTES = 16 * 1024 * 1024;

/** SQS's API (AWS's JSON protocol 1.0) on the one endpoint. */
export class SqsService {
  readonly ownOriginOnly = true;
  readonly #deps: SqsServiceDeps;

  constructor(deps: SqsServiceDeps) {
    this.#deps = deps;
  }

  claims(request: IncomingMessage, signedFor: string | null): boolean {
    return signedFor === 'sqs' || String(request.headers['x-amz-target'] ?? '').startsWith('AmazonSQS.');
  }

  /** Serves a request; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const answer = await this.#run(request, gone.signal);
      send(response, { status: 200, requestId, headers: {} }, answer);
    } catch (error) {
      const known =
        error instanceof HearthError ? error : new HearthError('InternalError', 'We encountered an internal error.', { cause: error });
      if (known.fault === 'platform') this.#deps.log.error({ err: error, requestId }, 'an SQS request failed');
      const queryCode = QUERY_CODES[known.code] ?? known.code;
      const headers = { 'x-amzn-query-error': `${queryCode};${known.fault === 'platform' ? 'Receiver' : 'Sender'}` };
      send(response, { status: known.status, requestId, headers }, { __type: `com.amazonaws.sqs#${known.code}`, message: known.message });
    }
  }

  async #run(request: IncomingMessage, signal: AbortSignal): Promise<Record<string, unknown>> {
    const body = await bodyOf(request);
    const sender = await this.#sender(request, body);
    const name = TARGET.exec(String(request.headers['x-amz-target'] ?? ''))?.[1];
    const operation = name === undefined || !Object.hasOwn(OPERATIONS, name) ? undefined : OPERATIONS[name];
    if (operation === undefined)
      throw new HearthError(
        'UnsupportedOperation',
        `Hearth speaks SQS's JSON protocol (X-Amz-Target: AmazonSQS.OPERATION), and has no ${name ?? 'operation without that header'}.`,
      );
    const trace = request.headers['x-amzn-trace-id'];
    const endpoint = `http://${request.headers.host ?? '127.0.0.1'}`;
    return operation(
      { input: json(body), endpoint, sender, signal, traceHeader: typeof trace === 'string' ? trace : undefined },
      this.#deps,
    );
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

/** The whole body. Throws BatchRequestTooLong once more came than a request may have. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES) throw new HearthError('BatchRequestTooLong', `A request may have ${BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
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
