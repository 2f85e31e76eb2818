import type { IncomingMessage, ServerResponse } from 'node:http';
import { LoopbackServer } from '../../lib/loopback-server.ts';
import type { AnswerSink } from '../../model/answer-sink.ts';
import { passOnTo } from './pass-on-to.ts';
import { isStreaming, passOn } from './streamed-response.ts';

/** An invocation as the Runtime API hands it out. */
export interface NextInvocation {
  readonly requestId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What the Runtime API asks and tells; each call answers with a refusal or, where all is well, null. */
export interface RuntimeApiHandler {
  /** The runtime is ready; `deliver` gives it its next invocation, false when it has gone away meanwhile. */
  next(deliver: (invocation: NextInvocation) => boolean): Refusal | null;
  /** The connection of a `next` has closed, with an invocation or without. */
  gaveUp(deliver: (invocation: NextInvocation) => boolean): void;
  /** Whether this request may be answered now, asked before the answer's body is read: until that has come or broken off there is no other. */
  beginAnswer(requestId: string): Refusal | null;
  /** The connection of an answer closed before it was complete: there may be another. */
  brokeOff(requestId: string): void;
  /** Resolves when the runtime may go on. `errorType` null: a response. */
  answered(requestId: string, errorType: string | null, body: Buffer): Promise<void>;
  /** Where the response of this request goes as it comes; null: it is wanted whole. */
  sink(requestId: string): AnswerSink | null;
  /** Also answered with too much: the invocation fails, the runtime lives on. */
  tooLarge(requestId: string, limitBytes: number): Promise<void>;
  /** Answered in a mode that there is not: the invocation fails, the runtime lives on. */
  invalidMode(requestId: string): Promise<void>;
  /** The connection of a streamed response closed before it was complete. */
  truncated(requestId: string): void;
  /** Whether the init phase may fail by the runtime's word, asked before the word's body is read: it may once. */
  beginInitError(): Refusal | null;
  initError(errorType: string, body: Buffer): void;
}

export interface Refusal {
  readonly status: number;
  readonly errorType: string;
  readonly errorMessage: string;
}

const PREFIX = '/2018-06-01/runtime/';
const ERROR_TYPE = 'lambda-runtime-function-error-type';

/** Lambda's Runtime API over HTTP, for one instance. */
export class RuntimeApi {
  readonly #handler: RuntimeApiHandler;
  readonly #limitBytes: number;
  readonly #server: LoopbackServer;
  /** `HOST:PORT` of who serves what is none of the Runtime API: on Lambda the Extensions API has the same address. Null: nobody. */
  beyond: string | null = null;

  /** `limitBytes`: the largest response that is taken. */
  constructor(handler: RuntimeApiHandler, limitBytes: number) {
    this.#handler = handler;
    this.#limitBytes = limitBytes;
    this.#server = new LoopbackServer((req, res) => this.#route(req, res));
  }

  /** Opens it on the loopback; what AWS_LAMBDA_RUNTIME_API is to be. */
  listen(): Promise<string> {
    return this.#server.listen();
  }

  /** Who may call it; nobody before this was said. See LoopbackServer. */
  serveOnly(uid: number | null): void {
    this.#server.serveOnly(uid === null ? null : [uid]);
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = req.url?.startsWith(PREFIX) === true ? req.url.slice(PREFIX.length) : '';
    if (req.method === 'GET' && path === 'invocation/next') return this.#next(res);
    if (req.method === 'POST' && path === 'init/error') return this.#initError(req, res);
    const match = /^invocation\/([^/]+)\/(response|error)$/.exec(path);
    if (req.method === 'POST' && match !== null)
      return this.#answer(req, res, { requestId: match[1] as string, isError: match[2] === 'error' });
    if (this.beyond !== null && req.url?.startsWith(PREFIX) === false) return passOnTo(this.beyond, req, res);
    refuse(res, { status: 404, errorType: 'InvalidPath', errorMessage: `${req.method} ${req.url} is not part of the Runtime API` });
  }

  #next(res: ServerResponse): void {
    const deliver = (invocation: NextInvocation): boolean => {
      if (res.destroyed || res.socket?.destroyed !== false) return false;
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': invocation.body.length, ...invocation.headers });
      res.end(invocation.body);
      return true;
    };
    res.once('close', () => this.#handler.gaveUp(deliver));
    const refusal = this.#handler.next(deliver);
    if (refusal !== null) refuse(res, refusal);
  }

  async #initError(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const refusal = this.#handler.beginInitError();
    if (refusal !== null) return refuse(res, refusal);
    const body = await readBody(req, this.#limitBytes).catch(() => null); // broken off: it has failed all the same
    this.#handler.initError(errorTypeOf(req, body), body ?? Buffer.from('{}'));
    accept(res);
  }

  async #answer(req: IncomingMessage, res: ServerResponse, to: { requestId: string; isError: boolean }): Promise<void> {
    const refusal = this.#handler.beginAnswer(to.requestId);
    if (refusal !== null) return refuse(res, refusal);
    const streaming = !to.isError && isStreaming(req);
    if (streaming === null) {
      await this.#handler.invalidMode(to.requestId);
      return refuse(res, { status: 400, errorType: 'InvalidFunctionResponseMode', errorMessage: 'Invalid function response mode' });
    }
    const sink = streaming ? this.#handler.sink(to.requestId) : null;
    if (sink !== null) return this.#stream(req, res, { requestId: to.requestId, sink });
    const body = await readBody(req, this.#limitBytes).catch((error: unknown) => {
      this.#handler.brokeOff(to.requestId);
      throw error;
    });
    if (body === null) {
      await this.#handler.tooLarge(to.requestId, this.#limitBytes);
      return refuse(res, entityTooLarge(this.#limitBytes));
    }
    // A streaming runtime that fails half-way says so after the body.
    const failed = trailingError(req, body);
    if (failed !== null) await this.#handler.answered(to.requestId, failed.errorType, failed.body);
    else await this.#handler.answered(to.requestId, to.isError ? errorTypeOf(req, body) : null, body);
    accept(res);
  }

  async #stream(req: IncomingMessage, res: ServerResponse, to: { requestId: string; sink: AnswerSink }): Promise<void> {
    const { requestId, sink } = to;
    const end = await passOn(req, sink);
    if (end === 'broken') return this.#handler.truncated(requestId);
    if (end === 'tooLarge') {
      await this.#handler.tooLarge(requestId, sink.limitBytes);
      res.once('finish', () => req.destroy()); // the rest is not wanted
      return refuse(res, entityTooLarge(sink.limitBytes));
    }
    const failed = trailingError(req, NOTHING);
    await this.#handler.answered(requestId, failed?.errorType ?? null, failed?.body ?? NOTHING);
    accept(res);
  }
}

const NOTHING = Buffer.alloc(0);

/** The error that a runtime tells after a body, or null. */
function trailingError(req: IncomingMessage, otherwise: Buffer): { readonly errorType: string; readonly body: Buffer } | null {
  const errorType = req.trailers[ERROR_TYPE];
  if (errorType === undefined) return null;
  const body = req.trailers['lambda-runtime-function-error-body'];
  return { errorType, body: body === undefined ? otherwise : Buffer.from(body, 'base64') };
}

function entityTooLarge(limitBytes: number): Refusal {
  const errorMessage = `Exceeded maximum allowed payload size (${limitBytes} bytes).`;
  return { status: 413, errorType: 'RequestEntityTooLarge', errorMessage };
}

function errorTypeOf(req: IncomingMessage, body: Buffer | null): string {
  try {
    const { errorType } = JSON.parse((body ?? Buffer.alloc(0)).toString()) as { errorType?: unknown };
    if (typeof errorType === 'string' && errorType !== '') return errorType;
  } catch {
    // the header is left to say it
  }
  const header = req.headers[ERROR_TYPE];
  return typeof header === 'string' && header !== '' ? header : 'Runtime.Unknown';
}

/** The whole body, or null when it is larger than allowed; then it is read to its end all the same, or the peer could not read our answer. */
async function readBody(req: IncomingMessage, limitBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= limitBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes > limitBytes ? null : Buffer.concat(chunks);
}

function refuse(res: ServerResponse, { status, errorType, errorMessage }: Refusal): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ errorMessage, errorType }));
}

function accept(res: ServerResponse): void {
  res.writeHead(202, { 'content-type': 'application/json' });
  res.end('{"status":"OK"}\n');
}
