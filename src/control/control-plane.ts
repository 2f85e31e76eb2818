import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { HearthError } from '../errors.ts';
import type { Ids } from '../lib/ids.ts';
import { lambdaError } from '../model/lambda-error.ts';
import { LAMBDA_BODY_BYTES, lambdaApi, unknownOperation, type LambdaPluginDeps } from './lambda/plugin.ts';
import type { OwnDeps } from './own/api.ts';
import { OpenLines } from './own/ndjson.ts';
import { ownApi, ownError } from './own/plugin.ts';
import { Deployments } from './own/deployments.ts';

export type ControlPlaneDeps = Omit<OwnDeps, 'deployments' | 'lines'> &
  Omit<LambdaPluginDeps, 'requestId'> & {
    readonly ids: Ids;
  };

/** Paths of Lambda's API begin with the date of the API they came with. */
const DATED = /^\/\d{4}-\d{2}-\d{2}\//;

/**
 * The control plane: Lambda's control API and Hearth's own. It listens to nothing itself: after `await app.ready()` hand it
 * requests with `app.routing(request, response)`. `app.close()` ends log followers.
 */
export function controlPlane(deps: ControlPlaneDeps): FastifyInstance {
  const requestId = (): string => deps.ids.uuid();
  const app = fastify({
    bodyLimit: LAMBDA_BODY_BYTES,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
    frameworkErrors: (error, request, reply) => {
      void respondUnrouted(reply, request.url, new HearthError('InvalidRequestContentException', error.message), requestId());
    },
  });
  app.register(async (scope) => lambdaApi(scope, { ...deps, requestId }));
  app.register(async (scope) => ownApi(scope, { ...deps, deployments: new Deployments(), lines: new OpenLines() }));
  app.setNotFoundHandler((request, reply) => {
    const error = DATED.test(request.url)
      ? unknownOperation(request.method, request.url)
      : new HearthError('ResourceNotFoundException', `There is nothing at ${request.method} ${request.url.split('?')[0]}.`);
    return respondUnrouted(reply, request.url, error, requestId());
  });
  return app;
}

/** An error of a request that no route took: in the words of the API that its path belongs to. */
function respondUnrouted(reply: FastifyReply, url: string, error: HearthError, requestId: string): FastifyReply {
  if (!DATED.test(url)) return reply.code(error.status).send(ownError(error));
  const { headers, document } = lambdaError(error);
  return reply
    .code(error.status)
    .headers({ ...headers, 'x-amzn-requestid': requestId })
    .send(document);
}
