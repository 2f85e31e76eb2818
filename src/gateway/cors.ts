import type { IncomingMessage, ServerResponse } from 'node:http';
import { HEADER_NAME, type UrlHead } from './answer-head.ts';
import type { UrlCors } from '../model/function-version.ts';

export type CorsHeaders = Readonly<Record<string, string>>;

/** A browser asks whether it may send what it is about to. */
export function isPreflight(request: IncomingMessage): boolean {
  return (
    request.method === 'OPTIONS' && request.headers.origin !== undefined && request.headers['access-control-request-method'] !== undefined
  );
}

/**
 * The headers that tell a browser what a function URL allows it. Where there is no origin, or one that is not allowed, they say only that an answer varies by
 * it: a cache that kept this one would give it to pages of those that are.
 */
export function corsHeaders(request: IncomingMessage, cors: UrlCors): CorsHeaders {
  const { origin } = request.headers;
  if (origin === undefined || !allows(cors.allowOrigins, origin)) return { vary: 'Origin' };
  const headers: Record<string, string> = { 'access-control-allow-origin': origin, vary: 'Origin' };
  if (cors.allowCredentials) headers['access-control-allow-credentials'] = 'true';
  if (cors.exposeHeaders.length > 0) headers['access-control-expose-headers'] = list(cors.exposeHeaders);
  if (!isPreflight(request)) return headers;
  if (cors.allowMethods.length > 0)
    headers['access-control-allow-methods'] = named(cors.allowMethods, request.headers['access-control-request-method']);
  if (cors.allowHeaders.length > 0)
    headers['access-control-allow-headers'] = named(cors.allowHeaders, request.headers['access-control-request-headers']);
  if (cors.maxAgeSeconds > 0) headers['access-control-max-age'] = String(cors.maxAgeSeconds);
  return headers;
}

/**
 * What a function says in its headers with what its URL's configuration says of access, which goes before it, as on Lambda. An answer varies by what either
 * names: a cache that was not told all of it gives one client what was made for another.
 */
export function withCors(headers: UrlHead['headers'], cors: CorsHeaders): UrlHead['headers'] {
  const [own, ours] = [headers['vary'], cors['vary']];
  if (own === undefined || ours === undefined) return { ...headers, ...cors };
  const names = String(own).split(/\s*,\s*/);
  const said = names.some((name) => name === '*' || name.toLowerCase() === ours.toLowerCase());
  return { ...headers, ...cors, vary: said ? own : `${String(own)}, ${ours}` };
}

/** Answers a preflight request; the function is not run. */
export function answerPreflight(response: ServerResponse, cors: CorsHeaders, requestId: string): void {
  response.writeHead(200, { ...cors, 'content-length': 0, 'x-amzn-requestid': requestId });
  response.end();
}

function allows(origins: readonly string[], origin: string): boolean {
  return origins.some((allowed) => allowed === '*' || allowed.toLowerCase() === origin.toLowerCase());
}

/** `*` means nothing where there are credentials, so what was asked for is named. */
function named(allowed: readonly string[], asked: string | undefined): string {
  return allowed.includes('*') ? (asked ?? '*') : list(allowed);
}

/** Lambda's API takes any text for a name. What can be none is no header's or method's, and can't be sent. */
function list(names: readonly string[]): string {
  return names.filter((name) => HEADER_NAME.test(name)).join(',');
}
