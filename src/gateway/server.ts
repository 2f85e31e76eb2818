import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HearthError } from '../errors.ts';
import type { Ids } from '../lib/ids.ts';
import type { Logger } from '../observe/logger.ts';
import { claimedKey, signedService } from '../auth/claim.ts';
import { acceptCloudEvents, cloudEventTarget } from './cloud-events/accept.ts';
import { continueWhenRead } from './continue.ts';
import { Crowd } from './crowd.ts';
import type { EndpointService } from './endpoint-service.ts';
import { serveUrl, urlTarget } from './function-url.ts';
import type { HostCheck } from './host-check.ts';
import type { InvokeDeps } from './invoke-deps.ts';
import { invoke, invokeTarget } from './invoke.ts';
import { respondError } from './respond.ts';
import type { UnderWay } from './under-way.ts';
import { unreadable } from './unreadable.ts';

export interface GatewayDeps extends InvokeDeps {
  readonly ids: Ids;
  readonly hosts: HostCheck;
  readonly log: Logger;
  readonly underWay: UnderWay;
  /** Other services on the endpoint, asked in this order for what is neither an invocation nor a function URL. */
  readonly services: readonly EndpointService[];
  /** Serves what is neither an invocation nor a function URL. */
  readonly control: (request: IncomingMessage, response: ServerResponse) => void;
}

/** When to try again with the server that follows one that ends. */
const AGAIN_SECONDS = 1;

const ABSOLUTE = /^https?:\/\/([^/?#]+)([^#]*)$/i;

/** How long a client may take to send a request's headers, and a new connection to say anything: each holds a descriptor. A body takes as long as it takes. */
const HEADERS_MS = 60_000;

/** A client that lost its network says no word of it: whether it is still there is asked after so long a silence, milliseconds, by the kernel. */
const SILENT_MS = 60_000;

const LIMITS = {
  keepAliveTimeout: 75_000,
  requestTimeout: 0,
  headersTimeout: HEADERS_MS,
  keepAlive: true,
  keepAliveInitialDelay: SILENT_MS,
};

/** The one endpoint: invocations and function URLs are served here, everything else by the control plane. */
export function createGateway(deps: GatewayDeps): Server {
  const crowd = new Crowd();
  const server = createServer(LIMITS, (request, response) => {
    const requestId = deps.ids.ordered();
    response.on('error', ignored); // the client left; whoever writes finds out
    if (deps.underWay.ending && !isOfFunctions(request, deps)) return refuse(response, requestId);
    deps.underWay.add(request, response, !isOwnRead(request));
    crowd.enter(request.url ?? '/', () => serve(request, response, { deps, requestId }));
  });
  server.on('checkContinue', (request, response) => {
    continueWhenRead(request, response);
    server.emit('request', request, response);
  });
  server.on('clientError', (error, socket) => unreadable(error, socket as Socket, deps));
  return server;
}

/** Of an event that tells nothing new. */
function ignored(): void {}

interface RouteContext {
  readonly deps: GatewayDeps;
  readonly requestId: string;
}

function serve(request: IncomingMessage, response: ServerResponse, context: RouteContext): void {
  try {
    if (request.url?.startsWith('/') === false) originForm(request);
    route(request, response, context)?.catch((error: unknown) => fail(response, error, context));
  } catch (error) {
    fail(response, error, context);
  }
}

function route(request: IncomingMessage, response: ServerResponse, { deps, requestId }: RouteContext): Promise<void> | undefined {
  const url = request.url ?? '/';
  const target = invokeTarget(url, requestId);
  if (target !== null) {
    deps.hosts.check(request, true);
    if (request.method !== 'POST') throw new HearthError('MethodNotAllowed', 'invoke a function with POST');
    return invoke(request, response, { target, deps });
  }
  const forEvents = cloudEventTarget(url);
  if (forEvents !== null) {
    deps.hosts.check(request, true);
    return acceptCloudEvents(request, response, { name: forEvents, requestId, deps });
  }
  const urlOf = urlTarget(request);
  if (urlOf !== null) {
    deps.hosts.check(request, false);
    return serveUrl(request, response, { target: urlOf, requestId, deps });
  }
  const signedFor = signedService(request);
  const service = deps.services.find((s) => s.claims(request, signedFor));
  if (service !== undefined) {
    deps.hosts.check(request, service.ownOriginOnly);
    return service.serve(request, response, requestId);
  }
  deps.hosts.check(request, true);
  if (url === '/healthz') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"status":"ok"}');
    return undefined;
  }
  deps.control(request, response);
  return undefined;
}

/** A target in absolute form, as through a proxy, is served like one in origin form; its host goes before the header's (RFC 9112, 3.2.2). */
function originForm(request: IncomingMessage): void {
  const match = ABSOLUTE.exec(request.url ?? '');
  if (match?.[1] === undefined) return;
  request.headers.host = match[1];
  const rest = match[2] ?? '';
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
}

/** Reads of Hearth's own API are not waited for: who follows a log follows it until the server has ended. */
function isOwnRead({ method, url }: IncomingMessage): boolean {
  return method === 'GET' && url?.startsWith('/hearth/') === true;
}

/** What runs until it has ended may need the server to end well: to store its result, or to call another function. Whoever serves it checks the signature. */
function isOfFunctions(request: IncomingMessage, { chains }: GatewayDeps): boolean {
  const key = claimedKey(request);
  return key !== null && chains.ofFunctions(key);
}

/** A request to a server that was told to end: nothing was begun, so that it may be sent again. */
function refuse(response: ServerResponse, requestId: string): void {
  response.shouldKeepAlive = false;
  response.setHeader('retry-after', AGAIN_SECONDS);
  respondError(
    response,
    new HearthError('ServiceUnavailable', 'The server is ending and begins nothing more; send the request again.', {
      details: { Reason: 'Ending' },
    }),
    requestId,
  );
}

function fail(response: ServerResponse, error: unknown, { deps, requestId }: RouteContext): void {
  if (!(error instanceof HearthError) || error.fault === 'platform') deps.log.error({ err: error, requestId }, 'request failed');
  respondError(response, error, requestId);
}
