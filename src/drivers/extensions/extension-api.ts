import type { IncomingMessage, ServerResponse } from 'node:http';
import { LoopbackServer } from '../../lib/loopback-server.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { readAll } from '../../lib/read-all.ts';
import { isRefusal, refusal, type Extension, type ExtensionDesk, type ExtensionRefusal } from './extension-desk.ts';
import { readSubscription, type Subscription } from './subscription.ts';

export interface ExtensionApiDeps {
  readonly desk: ExtensionDesk;
  readonly version: FunctionVersion;
  readonly subscribe: (extension: Extension, subscription: Subscription) => void;
}

const EXTENSION = '/2020-01-01/extension/';
/** Bodies here are short, and read before anything else: so there are not many at once. */
const BODY_BYTES = 256 * 1024;
const MOST_CONNECTIONS = 256;
const TELEMETRY = { '/2022-07-01/telemetry': 'telemetry', '/2020-08-15/logs': 'logs' } as const;

/** Lambda's Extensions API, Telemetry API and Logs API over HTTP, for one instance. */
export class ExtensionApi {
  readonly #deps: ExtensionApiDeps;
  readonly #server: LoopbackServer;

  constructor(deps: ExtensionApiDeps) {
    this.#deps = deps;
    this.#server = new LoopbackServer((req, res) => this.#route(req, res), MOST_CONNECTIONS);
  }

  /** Opens it on the loopback; what AWS_LAMBDA_RUNTIME_API is to be. */
  listen(): Promise<string> {
    return this.#server.listen();
  }

  /** Who may call it; nobody before this was said. See LoopbackServer. */
  serveOnly(uids: readonly number[] | null): void {
    this.#server.serveOnly(uids);
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = req.url ?? '';
    const call = `${req.method} ${path.startsWith(EXTENSION) ? path.slice(EXTENSION.length) : path}`;
    const body = await readAll(req, BODY_BYTES);
    if (body === null) return refuse(res, refusal(413, 'RequestEntityTooLarge', `a request may have ${BODY_BYTES} bytes`));
    if (call === 'POST register') return this.#register(req, res, body);
    const api = req.method === 'PUT' ? TELEMETRY[path as keyof typeof TELEMETRY] : undefined;
    const known = api !== undefined || ['GET event/next', 'POST init/error', 'POST exit/error'].includes(call);
    if (!known) return refuse(res, refusal(404, 'InvalidPath', `${req.method} ${path} is not part of the Extensions API`));
    const extension = this.#deps.desk.find(header(req, 'lambda-extension-identifier'));
    if (isRefusal(extension)) return refuse(res, extension);
    if (api !== undefined) return this.#subscribe(res, extension, { api, body });
    if (call === 'GET event/next') return this.#next(res, extension);
    return this.#failed(req, res, { extension, body, phase: call === 'POST init/error' ? 'init' : 'exit' });
  }

  #register(req: IncomingMessage, res: ServerResponse, body: Buffer): void {
    const { desk, version } = this.#deps;
    const document = jsonOf(body);
    const { events = [] } = (document ?? {}) as { events?: unknown };
    if (document === null || !Array.isArray(events))
      return refuse(res, refusal(403, 'InvalidRequestFormat', 'the body must be {"events": [...]}'));
    const extension = desk.register(header(req, 'lambda-extension-name') ?? '', events);
    if (isRefusal(extension)) return refuse(res, extension);
    const wantsAccount = (header(req, 'lambda-extension-accept-feature') ?? '').split(',').some((f) => f.trim() === 'accountId');
    const { name: functionName, version: functionVersion, handler, accountId } = version;
    res.setHeader('Lambda-Extension-Identifier', extension.id);
    answer(res, 200, { functionName, functionVersion, handler, ...(wantsAccount ? { accountId } : {}) });
  }

  #next(res: ServerResponse, extension: Extension): void {
    const { desk } = this.#deps;
    const deliver = (event: { readonly document: object }): boolean => {
      if (res.destroyed || res.socket?.destroyed !== false) return false;
      res.setHeader('Lambda-Extension-Event-Identifier', extension.id);
      answer(res, 200, event.document);
      return true;
    };
    res.once('close', () => desk.gaveUp(extension, deliver));
    const refused = desk.next(extension, deliver);
    if (refused !== null) refuse(res, refused);
  }

  #failed(req: IncomingMessage, res: ServerResponse, o: { extension: Extension; body: Buffer; phase: 'init' | 'exit' }): void {
    const errorType = header(req, 'lambda-extension-function-error-type') ?? '';
    if (errorType === '') return refuse(res, refusal(403, 'Extension.MissingHeader', 'Lambda-Extension-Function-Error-Type not found'));
    answer(res, 202, { status: 'OK' });
    this.#deps.desk.failed(o.extension, { phase: o.phase, errorType, body: o.body });
  }

  #subscribe(res: ServerResponse, extension: Extension, o: { api: 'telemetry' | 'logs'; body: Buffer }): void {
    if (!this.#deps.desk.open)
      return refuse(
        res,
        refusal(
          403,
          o.api === 'logs' ? 'Logs.SubscriptionClosed' : 'Telemetry.SubscriptionClosed',
          'Subscription is only possible in the init phase',
        ),
      );
    const subscription = readSubscription(o.api, jsonOf(o.body));
    if (typeof subscription === 'string') return refuse(res, refusal(400, 'ValidationError', subscription));
    this.#deps.subscribe(extension, subscription);
    res.writeHead(200, { 'content-type': 'text/plain' });
    res.end('OK');
  }
}

function header(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Null when it is no JSON object; nothing at all is an empty one. */
function jsonOf(body: Buffer): Readonly<Record<string, unknown>> | null {
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function refuse(res: ServerResponse, { status, errorType, errorMessage }: ExtensionRefusal): void {
  answer(res, status, { errorMessage, errorType });
}

function answer(res: ServerResponse, status: number, document: object): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify(document));
}
