import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { SignedRequest } from '../../auth/sigv4.ts';
import { HearthError } from '../../errors.ts';
import { asHearthError } from '../faults.ts';
import type { OwnDeps } from './api.ts';
import { eventResources } from './event-resources.ts';
import { functionResources, sourceResource } from './functions.ts';
import { invocationResources } from './invocations.ts';
import { keyResources } from './keys.ts';
import { layerResource } from './layers.ts';
import { logResource } from './logs.ts';
import { observationResources } from './observation.ts';
import { finishPending } from './pending-deployment.ts';
import { triggerResource } from './triggers.ts';

const JSON_BODY_BYTES = 1024 * 1024;

/** Hearth's own API, docs/reference/own-api.md. */
export function ownApi(app: FastifyInstance, deps: OwnDeps): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: JSON_BODY_BYTES }, (_request, body, done) =>
    done(null, body),
  );
  // Not read here: it goes to the disk as it comes.
  app.addContentTypeParser(['application/zip', 'application/octet-stream'], (_request, payload, done) => done(null, payload));
  app.setErrorHandler((error, request, reply) => {
    const known = asHearthError(error, `The body of this request may have at most ${JSON_BODY_BYTES} bytes.`);
    if (known.fault === 'platform') deps.report(error, `${request.method} ${request.url}`);
    // What was not read is not the next request, nor is that heard while it waits to be read.
    const unread = request.body instanceof Readable && !request.body.readableEnded;
    if (unread || (request.raw.readableDidRead && !request.raw.complete)) reply.header('connection', 'close');
    // Of a body that is too large by its own word nothing was read: node:http reads it away, and who is sending it gets to hear why.
    else reply.removeHeader('connection');
    return reply.code(known.status).send(ownError(known));
  });
  app.addHook('onRequest', ({ raw }) => deps.authority.screen(signedRequest(raw)));
  // A body that is streamed is not at hand: of what it signed the request says the hash, and whoever takes the body compares it.
  app.addHook('preValidation', async (request) => {
    const { body } = request;
    const payload = Buffer.isBuffer(body) ? body : body instanceof Readable ? null : EMPTY;
    const caller = await deps.authority.identify(signedRequest(request.raw), payload);
    caller.require(request.method === 'GET' ? 'hearth:Read' : 'hearth:Write', '*');
    if (Buffer.isBuffer(body)) request.body = parsed(body);
  });
  app.addHook('onReady', () => finishPending(deps));
  app.addHook('onClose', async () => deps.lines.endAll());
  const all = [sourceResource, functionResources, layerResource, observationResources, invocationResources, logResource];
  for (const resource of [...all, eventResources, triggerResource, keyResources]) resource(app, deps);
}

const EMPTY = Buffer.alloc(0);

function signedRequest({ method = '', url = '', headersDistinct: headers }: IncomingMessage): SignedRequest {
  return { method, url, headers };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw new HearthError('InvalidRequestContentException', `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** The document of an error in Hearth's own API. */
export function ownError(error: HearthError): Record<string, unknown> {
  return { errorType: error.code, message: error.message, ...error.details };
}
