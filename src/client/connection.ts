import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import type { AccessKey } from '../auth/keys.ts';
import { signed } from '../auth/sign.ts';
import { UnreachableError } from './errors.ts';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the root, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | Readable;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}

/**
 * HTTP to one endpoint, connections kept between requests. node:http, because `fetch` gives up on an answer
 * that takes longer than five minutes, and a function may take fifteen.
 */
export class Connection {
  readonly endpoint: string;
  readonly #url: URL;
  readonly #agent: http.Agent;
  readonly #key: AccessKey | null;

  /** `key`: what requests are signed with; null: they are not. Throws TypeError when `endpoint` is not an http or https address. */
  constructor(endpoint: string, key: AccessKey | null = null) {
    this.#key = key;
    this.#url = new URL(endpoint);
    if (this.#url.protocol !== 'http:' && this.#url.protocol !== 'https:') throw new TypeError(`not an http(s) address: ${endpoint}`);
    this.endpoint = this.#url.href.replace(/\/$/, '');
    const Agent = this.#url.protocol === 'https:' ? https.Agent : http.Agent;
    this.#agent = new Agent({ keepAlive: true, scheduling: 'lifo' });
  }

  /** Resolves with the head of the answer, whatever its status; throws UnreachableError, or the signal's reason. */
  send(request: Request): Promise<Answer> {
    const { promise, resolve, reject } = withResolvers<Answer>();
    const transport = this.#url.protocol === 'https:' ? https : http;
    const path = this.#url.pathname.replace(/\/$/, '') + request.path;
    const outgoing = transport.request(this.#url, {
      path,
      method: request.method,
      headers: { accept: 'application/json', ...request.headers, ...lengthOf(request), ...this.#signature(request, path) },
      agent: this.#agent,
    });
    let ofBody: unknown;
    if (request.body !== undefined && !Buffer.isBuffer(request.body)) request.body.once('error', (error) => (ofBody = error));
    // A failing source of the body keeps its own error; all else is the way to the server.
    const named = (error: unknown): unknown => (error === ofBody ? error : new UnreachableError(this.endpoint, error));
    const fail = (error: unknown): void => reject(request.signal?.aborted ? request.signal.reason : named(error));
    const abort = (): void => void outgoing.destroy(asError(request.signal?.reason));
    if (request.signal?.aborted) abort();
    request.signal?.addEventListener('abort', abort, { once: true });
    outgoing.once('close', () => request.signal?.removeEventListener('abort', abort));
    outgoing.on('error', fail);
    outgoing.once('response', (incoming) => {
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming });
    });
    // A server may answer (413) before it has read everything: then the answer counts, and the pipe's error does not.
    if (request.body === undefined || Buffer.isBuffer(request.body)) outgoing.end(request.body);
    else pipeline(request.body, outgoing, (error) => error && fail(error));
    return promise;
  }

  /** Ends idle connections; requests under way break. */
  close(): void {
    this.#agent.destroy();
  }

  #signature(request: Request, url: string): Record<string, string> {
    if (this.#key === null) return {};
    const given = Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
    const headers = { ...Object.fromEntries(given), host: this.#url.host };
    const payload = request.body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(request.body) ? request.body : null;
    return signed({ method: request.method, url, headers, payload }, this.#key, Date.now());
  }
}

function lengthOf(request: Request): Record<string, string> {
  return Buffer.isBuffer(request.body) ? { 'content-length': String(request.body.length) } : {};
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted');
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (reason: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
