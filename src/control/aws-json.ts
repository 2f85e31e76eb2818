import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authority } from '../auth/authority.ts';
import { HearthError, unforeseen, type ErrorCode } from '../errors.ts';
import { readAll } from '../lib/read-all.ts';
import { sendBody } from '../lib/send-body.ts';
import type { Input } from './lambda/model/check.ts';
import type { ApiModel } from './lambda/model/model.ts';
import { replyOf } from './lambda/model/reply.ts';
import { readRequest } from './lambda/model/request.ts';

/** One call of an operation. */
export interface JsonCall {
  /** Checked against the model. */
  readonly input: Input;
  /** Ends when the caller goes. */
  readonly signal: AbortSignal;
  /** X-Amzn-Trace-Id, or ''. */
  readonly traceHeader: string;
}

/** One operation of an API. Throws HearthError. */
export type JsonOperation = (call: JsonCall) => Promise<Readonly<Record<string, unknown>> | null>;

/** An API of AWS's JSON protocol 1.1. */
export interface JsonApi {
  /** In signatures, and before the colon of actions: `logs`. */
  readonly service: string;
  /** Before the dot of X-Amz-Target: `Logs_20140328`. */
  readonly target: string;
  readonly model: ApiModel;
  readonly operations: Readonly<Record<string, JsonOperation>>;
  /** The code of its errors for an input that the model refuses. */
  readonly invalid: ErrorCode;
  /** The ARN of what an input is about, for statements; of several each must be allowed. */
  readonly resourceOf: (input: Input, operation: string) => string | readonly string[];
}

export interface JsonServiceDeps {
  readonly authority: Authority;
  readonly log: { error(fields: object, message: string): void };
}

/** What AWS's list of common errors has under 403. */
const UNKNOWN_CALLER: ReadonlySet<string> = new Set([
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
]);

/** Ten events of EventBridge are the most that any operation takes, of 1 MB together. */
const BODY_BYTES = 4 * 1024 * 1024;

/** An API of AWS's JSON protocol on the one endpoint: read, checked and answered by AWS's own model. */
export class JsonService {
  readonly ownOriginOnly = true;
  readonly #api: JsonApi;
  readonly #deps: JsonServiceDeps;

  constructor(api: JsonApi, deps: JsonServiceDeps) {
    this.#api = api;
    this.#deps = deps;
  }

  claims(request: IncomingMessage, signedFor: string | null): boolean {
    return signedFor === this.#api.service || String(request.headers['x-amz-target'] ?? '').startsWith(`${this.#api.target}.`);
  }

  /** Serves a request; never rejects. Every fault of the caller but that of who it is is answered with status 400, as the protocol has it. */
  async serve(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      send(response, 200, await this.#run(request, gone.signal), requestId);
    } catch (error) {
      if (request.readableAborted) return; // hung up before it had said what it wanted
      const known = unforeseen(error);
      if (known.fault === 'platform') this.#deps.log.error({ err: error, requestId }, `a request to ${this.#api.service} failed`);
      send(
        response,
        known.fault === 'platform' || UNKNOWN_CALLER.has(known.code) ? known.status : 400,
        { __type: known.code, message: known.message },
        requestId,
      );
    }
  }

  async #run(request: IncomingMessage, signal: AbortSignal): Promise<unknown> {
    const { service, target, model, operations, resourceOf } = this.#api;
    const signed = { method: request.method ?? 'POST', url: request.url ?? '/', headers: request.headersDistinct };
    await this.#deps.authority.screen(signed, service);
    const body = await readAll(request, BODY_BYTES);
    if (body === null) throw new HearthError(this.#api.invalid, `A request may have ${BODY_BYTES} bytes.`);
    const caller = await this.#deps.authority.identify(signed, body, service);
    const header = String(request.headers['x-amz-target'] ?? '');
    const name = header.startsWith(`${target}.`) ? header.slice(target.length + 1) : '';
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    const operationModel = model.operations[name];
    if (operation === undefined || operationModel === undefined)
      throw new HearthError(
        'UnknownOperationException',
        `Hearth serves of ${service}: ${Object.keys(operations).join(', ')}; not ${name === '' ? 'a request without X-Amz-Target' : name}.`,
      );
    const raw = { params: {}, query: new URLSearchParams(), headers: {}, body };
    const input = renamed(this.#api.invalid, () => readRequest(operationModel, raw, model));
    // What it is on is read from what was checked: a member that the operation does not know must not decide it.
    for (const resource of [resourceOf(input, name)].flat()) caller.require(`${service}:${name}`, resource);
    return (
      replyOf(operationModel, await operation({ input, signal, traceHeader: String(request.headers['x-amzn-trace-id'] ?? '') }), model)
        .document ?? {}
    );
  }
}

/** What the model refuses, under the name that the API has for it; a body that is no JSON under the protocol's own. */
function renamed<T>(code: ErrorCode, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof HearthError)) throw error;
    if (error.code === 'ValidationException') throw new HearthError(code, error.message, { cause: error });
    if (error.code === 'InvalidRequestContentException') throw new HearthError('SerializationException', error.message, { cause: error });
    throw error;
  }
}

function send(response: ServerResponse, status: number, document: unknown, requestId: string): void {
  if (response.destroyed) return;
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId };
  sendBody(response, status, { headers, body: Buffer.from(JSON.stringify(document)) });
}
