import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatched } from '../dispatch/dispatcher.ts';
import { signedService } from '../auth/claim.ts';
import { HearthError } from '../errors.ts';
import { functionArn, type FunctionUrl } from '../model/function-version.ts';
import { lineageOf } from '../model/lineage.ts';
import { coldHeaders } from './cold-headers.ts';
import { answerPreflight, corsHeaders, isPreflight, withCors, type CorsHeaders } from './cors.ts';
import type { Directory, Found } from './directory.ts';
import { functionUrlAnswer, type UrlAnswer } from './function-url-answer.ts';
import { functionUrlEvent } from './function-url-event.ts';
import { hostName } from './host-check.ts';
import { announce, authorise, bodyOf, type InvokeDeps } from './invoke-deps.ts';
import { endWith } from './invoke.ts';
import { UrlStreamAnswer } from './url-stream.ts';
import { WITHOUT_BODY } from './answer-head.ts';

/** A request to a function URL. */
export interface UrlTarget {
  readonly name: string;
  /** It is a host's, which has no case: browsers write it small. */
  readonly anyCase: boolean;
  /** Encoded path below the function's root. */
  readonly path: string;
  readonly query: string;
}

/** What a key must be allowed at a URL that is not open. */
export const INVOKE_URL = 'lambda:InvokeFunctionUrl';
const BY_PATH = /^\/fn\/([^/?]+)(\/[^?]*)?(?:\?(.*))?$/;
const BY_HOST = /^([a-z0-9_-]+)\.fn\.[a-z0-9.-]+(?::\d+)?$/i;

/** Whether a request is for a function URL: `NAME.fn.localhost` by host, `/fn/NAME/...` by path. */
export function urlTarget(request: IncomingMessage): UrlTarget | null {
  const url = request.url ?? '/';
  const byHost = BY_HOST.exec(request.headers.host ?? '');
  if (byHost?.[1] !== undefined) {
    const at = url.indexOf('?');
    return { name: byHost[1], anyCase: true, path: at < 0 ? url : url.slice(0, at), query: at < 0 ? '' : url.slice(at + 1) };
  }
  const byPath = BY_PATH.exec(url);
  if (byPath?.[1] === undefined) return null;
  return { name: decoded(byPath[1]), anyCase: false, path: byPath[2] ?? '/', query: byPath[3] ?? '' };
}

/** `NAME:ALIAS` may come with its colon encoded. */
function decoded(name: string): string {
  return name.replace(/%3a/i, ':');
}

interface UrlContext {
  readonly target: UrlTarget;
  readonly requestId: string;
  readonly deps: InvokeDeps;
}

/** Serves a function URL. Rejects with HearthError; what the function did wrong is a 502, as on Lambda. */
export async function serveUrl(request: IncomingMessage, response: ServerResponse, context: UrlContext): Promise<void> {
  const asked = urlOf(context.target, context.deps.directory);
  const { cors } = asked.url;
  if (cors === undefined) return answerUrl(request, response, { ...context, asked });
  // Before any signature: a browser signs no such request.
  if (isPreflight(request)) return answerPreflight(response, corsHeaders(request, cors), context.requestId);
  try {
    await answerUrl(request, response, { ...context, asked });
  } catch (error) {
    // Else a browser would tell the page nothing of what it was refused for, not even the status that says to try again.
    if (!response.headersSent) for (const [name, value] of Object.entries(corsHeaders(request, cors))) response.setHeader(name, value);
    throw error;
  }
}

type Asked = Found & { readonly url: FunctionUrl };

async function answerUrl(request: IncomingMessage, response: ServerResponse, context: UrlContext & { asked: Asked }): Promise<void> {
  const { target, requestId, deps, asked } = context;
  requireSigned(request, asked.url);
  announce(request, { found: asked, deps, action: asked.url.auth === 'NONE' ? null : INVOKE_URL });
  const body = await bodyOf(request, { authority: asked.url.auth === 'NONE' ? undefined : deps.authority, maxBytes: deps.payloadBytes });
  // A client may hold its body back: meanwhile the URL may be gone or ask for signatures, and another revision may have taken over.
  const found = urlOf(target, deps.directory);
  requireSigned(request, found.url);
  const { version, qualifier, url } = found;
  const cors = url.cors === undefined ? {} : corsHeaders(request, url.cors);
  const signer = url.auth === 'AWS_IAM' ? await signerOf(request, { body, found, deps }) : null;
  deps.rates.take(version);
  const event = functionUrlEvent(request, {
    version,
    path: target.path,
    query: target.query,
    domain: hostName(request.headers.host ?? ''),
    body,
    requestId,
    nowMs: deps.clock.now(),
    signer,
  });
  const traceId = String(request.headers['x-amzn-trace-id'] ?? '');
  const sink =
    url.invokeMode === 'RESPONSE_STREAM' ? new UrlStreamAnswer(response, { requestId, cors, limitBytes: deps.streamBytes }) : undefined;
  const done = await deps.dispatcher.invoke(version, {
    requestId,
    attempt: 1,
    body: event,
    invokedArn: qualifier === null ? functionArn(version) : `${functionArn(version)}:${qualifier}`,
    traceId,
    clientContext: '',
    lineage: lineageOf(traceId),
    receivedAtMs: deps.clock.monotonic(),
    ...(sink === undefined ? {} : { sink }),
  });
  const whole = (): void => respond(response, done, { head: request.method === 'HEAD', cors });
  if (sink === undefined || !sink.begun) whole();
  else if (done.error === null) sink.finish();
  else sink.fail(whole);
}

/** The URL as it is now, with what it runs. Throws where there is none. */
function urlOf({ name, anyCase }: UrlTarget, directory: Directory): Asked {
  const found = directory.url(name, anyCase);
  if (found === null || found.url === null) throw noUrl(name, found !== null);
  return { ...found, url: found.url };
}

/** Throws for a request without the signature that its URL asks for. In anonymous mode any signature does, but there must be one. */
function requireSigned(request: IncomingMessage, { auth }: FunctionUrl): void {
  if (auth === 'AWS_IAM' && signedService(request) === null) throw new HearthError('AccessDeniedException', 'Forbidden');
}

/** The id of the key that a request was signed with; null where nobody is asked for one. Throws unless it may call the URL. */
async function signerOf(
  request: IncomingMessage,
  { body, found, deps }: { body: Buffer; found: Found; deps: InvokeDeps },
): Promise<string | null> {
  const { authority } = deps;
  if (authority === undefined) return null;
  return (await authorise(request, { body, found, authority, action: INVOKE_URL })).accessKeyId;
}

function respond(response: ServerResponse, done: Dispatched, { head, cors }: { head: boolean; cors: CorsHeaders }): void {
  const answer = done.error === null ? functionUrlAnswer(done.body) : null;
  const { status, headers, length, body } = answer ?? badGateway(done);
  const bytes = head && body.length === 0 ? length : body.length;
  const all: Record<string, string | number | readonly string[]> = {
    ...withCors(headers, cors),
    // An answer that has no body by its status must not say how long that is, and one to HEAD only what GET's would say (RFC 9110, 8.6).
    ...(bytes === null || WITHOUT_BODY.has(status) ? {} : { 'content-length': bytes }),
    'x-amzn-requestid': done.requestId,
  };
  coldHeaders(all, done);
  response.writeHead(status, all as Record<string, string>);
  if (head) response.end();
  else endWith(response, body);
}

/** Lambda hides what went wrong from callers of a URL and says it in the log. */
function badGateway(done: Dispatched): UrlAnswer {
  const tooLong = done.error?.errorType === 'Sandbox.Timedout';
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (done.error !== null) headers['x-amz-function-error'] = done.error.kind;
  return {
    status: tooLong ? 504 : 502,
    headers,
    length: null,
    body: Buffer.from(JSON.stringify({ Message: tooLong ? 'Gateway Timeout' : 'Internal Server Error' })),
  };
}

function noUrl(name: string, there: boolean): HearthError {
  if (!there) return new HearthError('ResourceNotFoundException', `no function is called '${name}'; 'hearth ps' lists those there are`);
  return new HearthError(
    'AccessDeniedException',
    `function '${name}' has no URL; give it 'url: { auth: none }' in hearth.yaml and deploy it`,
  );
}
