import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authority } from '../../auth/authority.ts';
import type { SignedRequest } from '../../auth/sigv4.ts';
import { HearthError } from '../../errors.ts';
import { sendBody } from '../../lib/send-body.ts';
import { lambdaError } from '../../model/lambda-error.ts';
import { endpointOf } from '../endpoint.ts';
import { asHearthError } from '../faults.ts';
import { LAMBDA, type OperationModel } from './model/model.ts';
import { replyOf } from './model/reply.ts';
import { readRequest, type RawRequest } from './model/request.ts';
import { requireAll, thingsOf } from './resource-of.ts';
import type { LambdaDeps, Operation } from './operation.ts';
import { INVOCATIONS, OPERATIONS } from './operations.ts';

/** Lambda's own limit of a request that carries code. */
export const LAMBDA_BODY_BYTES = 70_167_211;

export interface LambdaPluginDeps extends LambdaDeps {
  readonly authority: Authority;
  readonly requestId: () => string;
  /** Told of every error that is our own doing. */
  readonly report: (error: unknown, request: string) => void;
}

/** An operation of the model with what serves it. */
interface Served {
  readonly name: string;
  readonly model: OperationModel;
  readonly run: Operation;
  /** What the query must say, where several operations have one path. */
  readonly query: URLSearchParams;
}

/** Lambda's control API: every operation of the model, and an AWS error for everything else below a dated path. */
export function lambdaApi(app: FastifyInstance, deps: LambdaPluginDeps): void {
  // SDKs and tools send JSON under various names, or none.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: LAMBDA_BODY_BYTES }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-amzn-requestid', deps.requestId());
  });
  app.setErrorHandler((error, request, reply) => {
    const tooLarge = `Request must be smaller than ${LAMBDA_BODY_BYTES} bytes for the ${operationName(request)} operation`;
    const known = asHearthError(error, tooLarge);
    if (known.fault === 'platform') deps.report(error, `${request.method} ${request.url}`);
    const { headers, document } = lambdaError(known);
    // Who asked whether to send a body may be sending it without an answer to that: the connection ends only after it.
    if (request.headers.expect !== undefined && !request.raw.readableDidRead) {
      reply.hijack();
      const all = { ...(reply.getHeaders() as Record<string, string>), ...headers, 'content-type': 'application/json' };
      sendBody(reply.raw, known.status, { headers: all, body: Buffer.from(JSON.stringify(document)) });
      return reply;
    }
    // Of a body that is too large by its own word nothing was read: node:http reads it away, and who is sending it gets to hear why.
    if (!request.raw.readableDidRead) reply.removeHeader('connection');
    return reply.code(known.status).headers(headers).send(document);
  });
  for (const [route, operations] of routes()) {
    const [method = '', url = ''] = route.split(' ');
    const config = { operation: operations[0]?.name };
    // Who sends a body, as far as its head tells: before the body is in memory.
    const onRequest = async (request: FastifyRequest): Promise<void> => {
      servedBy(operations, request);
      await deps.authority.screen(signedRequest(request));
    };
    const serve = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
      respond(servedBy(operations, request), request, reply, deps);
    app.route({ method, url, config, onRequest, handler: serve });
  }
}

/** The error for a dated path that no operation answers. */
export function unknownOperation(method: string, url: string): HearthError {
  return new HearthError('UnknownOperationException', `Lambda's API has no ${method} ${url.split('?')[0]}.`);
}

// eslint-disable-next-line max-params -- what fastify gives, and ours
async function respond(served: Served, request: FastifyRequest, reply: FastifyReply, deps: LambdaPluginDeps): Promise<FastifyReply> {
  const raw = rawOf(request);
  const caller = await deps.authority.identify(signedRequest(request), raw.body ?? EMPTY);
  const input = readRequest(served.model, raw);
  requireAll(caller, thingsOf(served.name, input, deps));
  const result = await served.run({ input, endpoint: endpointOf(request), caller }, deps);
  const { status, headers, document } = replyOf(served.model, result);
  reply.code(status).headers(headers);
  return document === null ? reply.send() : reply.send(document);
}

/** Which of a path's operations the query asks for. Throws UnknownOperationException. */
function servedBy(operations: readonly Served[], request: FastifyRequest): Served {
  const given = queryOf(request);
  const served = operations.find(({ query }) => [...query].every(([name, value]) => given.get(name) === value));
  if (served === undefined) throw unknownOperation(request.method, request.url);
  return served;
}

/** Operations by `METHOD PATH`; those that want more of the query come first. */
function routes(): Map<string, Served[]> {
  const found = new Map<string, Served[]>();
  for (const [name, model] of Object.entries(LAMBDA.operations)) {
    const run = OPERATIONS[name];
    if (run === undefined) {
      if (INVOCATIONS.includes(name)) continue;
      throw new Error(`nothing serves ${name}`);
    }
    const [path = '', query = ''] = model.uri.split('?');
    const route = `${model.method} ${path.replace(/\{(\w+)\}/g, ':$1').replace(/\/$/, '')}`;
    const served = [...(found.get(route) ?? []), { name, model, run, query: new URLSearchParams(query) }];
    found.set(
      route,
      served.sort((a, b) => b.query.size - a.query.size),
    );
  }
  return found;
}

const EMPTY = Buffer.alloc(0);

function signedRequest({ raw }: FastifyRequest): SignedRequest {
  return { method: raw.method ?? '', url: raw.url ?? '', headers: raw.headersDistinct };
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

function rawOf(request: FastifyRequest): RawRequest {
  return {
    params: request.params as Record<string, string>,
    query: queryOf(request),
    headers: request.headers,
    body: Buffer.isBuffer(request.body) ? request.body : null,
  };
}

function operationName(request: FastifyRequest): string {
  return (request.routeOptions.config as { operation?: string }).operation ?? 'requested';
}
