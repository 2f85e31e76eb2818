import type { Readable } from 'node:stream';
import type {
  Deployed,
  DeployedFrom,
  Evicted,
  EvictTo,
  Explanation,
  FunctionSummary,
  Lag,
  LogLine,
  Resident,
  Status,
  TriggerSummary,
  Usage,
  UsageRecord,
} from './answers.ts';
import { readAll, readLines } from './body.ts';
import type { AccessKey } from '../auth/keys.ts';
import { KeysClient } from './keys.ts';
import { type Answer, Connection, type Request } from './connection.ts';
import { ApiError, DeployError, ForeignAnswerError, UnreachableError } from './errors.ts';
import { EventsClient } from './events.ts';
import { type InvokeAnswer, type InvokeRequest, readInvokeAnswer } from './invocation.ts';

/** A step of a deployment under way. */
export interface DeployStep {
  readonly step: string;
  readonly message: string;
}

export interface DeployRequest {
  readonly source: string;
  readonly manifest: unknown;
  /** The file that says so. */
  readonly from?: DeployedFrom | undefined;
  /** Longest that the init phase may take, milliseconds; without it, any time. */
  readonly initBudgetMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LogQuery {
  readonly functionName?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly tail?: number | undefined;
  readonly follow?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How long a server may take to answer what it has at hand, before it is taken for one that hangs. */
const PATIENCE_MS = 60_000;

/**
 * Typed client over Hearth's own API and Lambda's Invoke. Every method throws ApiError when the server refuses,
 * UnreachableError when none answers, ForeignAnswerError when something else does. Safe to use concurrently.
 */
export class HearthClient {
  readonly endpoint: string;
  /** What became of events. */
  readonly events: EventsClient;
  /** Who may sign requests. */
  readonly keys: KeysClient;
  readonly #connection: Connection;
  readonly #patienceMs: number;

  constructor(endpoint: string, key: AccessKey | null = null, { patienceMs = PATIENCE_MS }: { readonly patienceMs?: number } = {}) {
    this.#patienceMs = patienceMs;
    this.#connection = new Connection(endpoint, key);
    this.endpoint = this.#connection.endpoint;
    this.events = new EventsClient((request) => this.#json(request));
    this.keys = new KeysClient((request) => this.#json(request));
  }

  status(signal?: AbortSignal): Promise<Status> {
    return this.#json({ method: 'GET', path: '/hearth/v1/status', signal });
  }

  /** How late the server's event loop is, looked at for so many seconds from now. */
  lag(seconds: number, signal?: AbortSignal): Promise<Lag> {
    return this.#json({ method: 'GET', path: `/hearth/v1/lag${query({ seconds })}`, signal }, seconds * 1_000);
  }

  /** Whether the server says that it takes requests. */
  async healthy(signal?: AbortSignal): Promise<boolean> {
    const answer = await this.#connection.send({ method: 'GET', path: '/healthz', signal });
    answer.body.resume();
    return answer.status === 200;
  }

  /** Hands over a zip; the digest that comes back is good for an hour. */
  async uploadSource(zip: Buffer | Readable, signal?: AbortSignal): Promise<{ source: string; bytes: number }> {
    return this.#json({ method: 'POST', path: '/hearth/v1/sources', headers: { 'content-type': 'application/zip' }, body: zip, signal });
  }

  /** Makes a function what `manifest` says. Throws DeployError when the build fails, or the init phase takes longer than its budget. */
  async deploy(name: string, request: DeployRequest, onStep: (step: DeployStep) => void = () => {}): Promise<Deployed> {
    const { source, manifest, from, initBudgetMs, signal } = request;
    const answer = await this.#ok({
      method: 'PUT',
      path: `/hearth/v1/functions/${encodeURIComponent(name)}`,
      ...jsonBody({ source, manifest, from, initBudgetMs }),
      signal,
    });
    for await (const line of this.#lines(answer, signal)) {
      const event = line as { progress?: DeployStep; deployed?: Deployed; error?: { errorType: string; message: string; output?: string } };
      if (event.progress) onStep(event.progress);
      else if (event.error) throw new DeployError(event.error.errorType, event.error.message, event.error.output ?? null);
      else if (event.deployed) return event.deployed;
    }
    throw new UnreachableError(this.endpoint, new Error('the answer ended in the middle of the deployment'));
  }

  async functions(): Promise<readonly FunctionSummary[]> {
    return (await this.#json<{ functions: FunctionSummary[] }>({ method: 'GET', path: '/hearth/v1/functions' })).functions;
  }

  /** Triggers of every function, or of one. */
  async triggers(functionName?: string): Promise<readonly TriggerSummary[]> {
    const path = `/hearth/v1/triggers${query({ function: functionName })}`;
    return (await this.#json<{ triggers: TriggerSummary[] }>({ method: 'GET', path })).triggers;
  }

  async remove(name: string): Promise<void> {
    const answer = await this.#ok({ method: 'DELETE', path: `/hearth/v1/functions/${encodeURIComponent(name)}` });
    answer.body.resume();
  }

  resident(functionName?: string): Promise<Resident> {
    return this.#json({ method: 'GET', path: `/hearth/v1/instances${query({ function: functionName })}` });
  }

  evict(name: string, to: EvictTo): Promise<Evicted> {
    return this.#json({ method: 'POST', path: `/hearth/v1/functions/${encodeURIComponent(name)}/evict`, ...jsonBody({ to }) });
  }

  /** Log lines, oldest first; with `follow` it goes on until the signal aborts or the server ends. */
  async *logs(request: LogQuery): AsyncGenerator<LogLine, void, undefined> {
    const { functionName, sinceMs, tail, follow, signal } = request;
    const path = `/hearth/v1/logs${query({ function: functionName, since: sinceMs, tail, follow: follow ? 1 : undefined })}`;
    const answer = await this.#ok({ method: 'GET', path, headers: { accept: 'application/x-ndjson' }, signal });
    for await (const line of this.#lines(answer, signal)) yield line as LogLine;
  }

  /** Usage from `fromMs` (left out: from the first invocation there was) until `toMs`, or now. */
  usage(request: {
    readonly functionName?: string | undefined;
    readonly fromMs?: number | undefined;
    readonly toMs?: number | undefined;
  }): Promise<Usage> {
    const { functionName, fromMs, toMs } = request;
    return this.#json({ method: 'GET', path: `/hearth/v1/usage${query({ function: functionName, from: fromMs, to: toMs })}` });
  }

  /** Usage records, newest first. */
  async usageRecords(request: { readonly functionName?: string | undefined; readonly limit: number }): Promise<readonly UsageRecord[]> {
    const path = `/hearth/v1/usage/records${query({ function: request.functionName, limit: request.limit })}`;
    return (await this.#json<{ records: UsageRecord[] }>({ method: 'GET', path })).records;
  }

  /** Where the time of one invocation went. One that is not known is an ApiError 404. */
  explain(requestId: string): Promise<Explanation> {
    return this.#json({ method: 'GET', path: `/hearth/v1/invocations/${encodeURIComponent(requestId)}` });
  }

  /** The same of a function's last invocations, newest first. */
  async explainLast(functionName: string, o: { readonly coldOnly: boolean; readonly limit: number }): Promise<readonly Explanation[]> {
    const path = `/hearth/v1/invocations${query({ function: functionName, cold: o.coldOnly ? 1 : 0, limit: o.limit })}`;
    return (await this.#json<{ invocations: Explanation[] }>({ method: 'GET', path })).invocations;
  }

  /** Calls a function. A function error is an answer, not a throw; a throttle (429) is an ApiError. */
  async invoke(request: InvokeRequest): Promise<InvokeAnswer> {
    const { functionName, qualifier, payload, signal } = request;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'x-amz-invocation-type': request.invocationType ?? 'RequestResponse',
    };
    if (request.logTail) headers['x-amz-log-type'] = 'Tail';
    const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations${query({ Qualifier: qualifier })}`;
    const answer = await this.#ok({ method: 'POST', path, headers, body: payload, signal });
    return this.#whole(readInvokeAnswer(answer), signal);
  }

  /** Ends idle connections. The client may be used again. */
  close(): void {
    this.#connection.close();
  }

  async #ok(request: Request): Promise<Answer> {
    const answer = await this.#connection.send(request);
    if (answer.status >= 200 && answer.status < 300) return answer;
    const text = (await this.#whole(readAll(answer.body), request.signal)).toString('utf8');
    throw asApiError(this.endpoint, answer, text);
  }

  /** `busyMs`: how long the server takes about it. What is read is waited for with patience; what is handed over takes as long as it takes. */
  async #json<T>(request: Request, busyMs = 0): Promise<T> {
    const patience = request.signal === undefined && request.method === 'GET' ? AbortSignal.timeout(this.#patienceMs + busyMs) : undefined;
    const text = await this.#text({ ...request, signal: request.signal ?? patience }).catch((error: unknown) => {
      if (patience?.aborted) throw new UnreachableError(this.endpoint, new Error(`no answer within ${this.#patienceMs / 1_000} s`));
      throw error;
    });
    const value = parse(text);
    if (typeof value !== 'object' || value === null)
      throw new ForeignAnswerError(this.endpoint, `${request.method} ${request.path} answered what is not JSON`);
    return value as T;
  }

  async #text(request: Request): Promise<string> {
    const answer = await this.#ok(request);
    return (await this.#whole(readAll(answer.body), request.signal)).toString('utf8');
  }

  async *#lines(answer: Answer, signal: AbortSignal | undefined): AsyncGenerator<unknown, void, undefined> {
    try {
      yield* readLines(answer.body);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw error instanceof SyntaxError
        ? new ForeignAnswerError(this.endpoint, 'a line of its stream is not JSON')
        : new UnreachableError(this.endpoint, error);
    }
  }

  async #whole<T>(read: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await read;
    } catch (error) {
      throw signal?.aborted ? signal.reason : new UnreachableError(this.endpoint, error);
    }
  }
}

function jsonBody(value: unknown): { headers: Record<string, string>; body: Buffer } {
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}

function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Own errors say `errorType` and `message`; Lambda's say it in a header and `Message`. */
function asApiError(endpoint: string, answer: Answer, text: string): Error {
  const value = parse(text);
  if (typeof value !== 'object' || value === null)
    return new ForeignAnswerError(endpoint, `it answered ${answer.status} without a JSON document`);
  const body = value as Record<string, unknown>;
  const header = answer.headers['x-amzn-errortype'];
  const type = typeof header === 'string' ? header.split(':')[0] : body['errorType'];
  const message = body['message'] ?? body['Message'];
  return new ApiError(
    answer.status,
    typeof type === 'string' ? type : `HTTP ${answer.status}`,
    typeof message === 'string' ? message : text,
    body,
  );
}
