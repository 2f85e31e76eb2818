import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HearthError } from '../../errors.ts';
import { asHearthError } from '../faults.ts';
import { endpointOf } from '../endpoint.ts';
import { errorAnswer } from './answer.ts';
import type { LambdaDeps, OperationCall } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { object, type Input } from './shapes.ts';

/** Lambda's own limit of a request that carries code. */
export const LAMBDA_BODY_BYTES = 70_167_211;

export interface LambdaPluginDeps extends LambdaDeps {
  readonly requestId: () => string;
  /** Told of every error that is our own doing. */
  readonly report: (error: unknown, request: string) => void;
}

/** Lambda's control API: every operation of the table, and an AWS error for everything else below a dated path. */
export function lambdaApi(app: FastifyInstance, deps: LambdaPluginDeps): void {
  // SDKs and tools send JSON under various names, or none.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: LAMBDA_BODY_BYTES }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-amzn-requestid', deps.requestId());
  });
  app.setErrorHandler((error, request, reply) => {
    const known = asHearthError(
      error,
      `Request must be smaller than ${LAMBDA_BODY_BYTES} bytes for the ${operationName(request)} operation`,
    );
    if (known.fault === 'platform') deps.report(error, `${request.method} ${request.url}`);
    const { headers, document } = errorAnswer(known);
    return reply.code(known.status).headers(headers).send(document);
  });
  for (const operation of OPERATIONS) {
    const config = { operation: operation.name };
    app.route({
      method: operation.method,
      url: operation.path,
      config,
      handler: async (request, reply) => {
        const document = await operation.run(callOf(request), deps);
        reply.code(operation.status);
        return document === undefined ? reply.send() : document;
      },
    });
  }
}

/** The error for a dated path that no operation answers. */
export function unknownOperation(method: string, url: string): HearthError {
  return new HearthError('UnknownOperationException', `Hearth does not serve ${method} ${url.split('?')[0]}.`);
}

function callOf(request: FastifyRequest): OperationCall {
  const query = request.url.indexOf('?');
  return {
    params: request.params as Record<string, string>,
    query: new URLSearchParams(query < 0 ? '' : request.url.slice(query + 1)),
    body: parseBody(request.body),
    endpoint: endpointOf(request),
  };
}

function parseBody(body: unknown): Input {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new HearthError('InvalidRequestContentException', `Could not parse request body into json: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return object(value, '');
}

function operationName(request: FastifyRequest): string {
  return (request.routeOptions.config as { operation?: string }).operation ?? 'requested';
}
