import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FunctionVersion } from '../model/function-version.ts';

/** What an event is made of beside the request itself. */
export interface UrlRequest {
  readonly version: FunctionVersion;
  /** Path below the function's root, still encoded, with a leading slash. */
  readonly path: string;
  /** Raw query string without '?'. */
  readonly query: string;
  readonly domain: string;
  readonly body: Buffer;
  readonly requestId: string;
  readonly nowMs: number;
  /** Who signed the request, where the URL asks for it (AWS_IAM); null: nobody was asked. */
  readonly signer: string | null;
}

/** What AWS takes for text. A form is not, and neither is what has no type: `curl --data-binary @picture.jpg` calls its picture a form. */
const TEXT = /^(?:text\/|application\/(?:json|javascript|xml)\s*(?:;|$))/i;

/**
 * The event of a function URL: payload format 2.0 (AWS Lambda developer guide, "Invoking function URLs"). A body is text when its content type
 * says so, and base64 otherwise; so is one that as text would come out as something else: compressed, or in another charset than UTF-8.
 */
export function functionUrlEvent(request: IncomingMessage, from: UrlRequest): Buffer {
  const { headers, cookies } = flatHeaders(request);
  const time = new Date(from.nowMs);
  const method = request.method ?? 'GET';
  const event: Record<string, unknown> = {
    version: '2.0',
    routeKey: '$default',
    rawPath: from.path,
    rawQueryString: from.query,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers,
    ...(from.query === '' ? {} : { queryStringParameters: queryParameters(from.query) }),
    requestContext: {
      accountId: from.signer === null ? 'anonymous' : from.version.accountId,
      apiId: from.version.name,
      ...(from.signer === null ? {} : { authorizer: { iam: identity(from.signer, from.version) } }),
      domainName: from.domain,
      domainPrefix: from.version.name,
      http: {
        method,
        path: from.path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: addressOf(request),
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: from.requestId,
      routeKey: '$default',
      stage: '$default',
      time: commonLogTime(time),
      timeEpoch: from.nowMs,
    },
    ...eventBody(from.body, request.headers),
  };
  return Buffer.from(JSON.stringify(event));
}

/** A key is a user here, named by its id. */
function identity(accessKey: string, { accountId }: FunctionVersion): Record<string, string | null> {
  const userArn = `arn:aws:iam::${accountId}:user/${accessKey}`;
  return { accessKey, accountId, callerId: accessKey, cognitoIdentity: null, principalOrgId: null, userArn, userId: accessKey };
}

function eventBody(body: Buffer, headers: IncomingHttpHeaders): Record<string, unknown> {
  if (body.length === 0) return { isBase64Encoded: false };
  const { 'content-type': contentType, 'content-encoding': encoding = 'identity' } = headers;
  const text = contentType !== undefined && TEXT.test(contentType) && encoding.toLowerCase() === 'identity' && isUtf8(body);
  return text ? { body: body.toString('utf8'), isBase64Encoded: false } : { body: body.toString('base64'), isBase64Encoded: true };
}

/** Header names in lower case, repeated ones joined by commas, cookies apart. */
function flatHeaders(request: IncomingMessage): { headers: Record<string, string>; cookies: string[] } {
  const headers = nothing();
  let cookies: string[] = [];
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values === undefined) continue;
    if (name === 'cookie') cookies = values.flatMap((v) => v.split(/;\s*/)).filter((c) => c !== '');
    else headers[name] = values.join(',');
  }
  // Of a target in absolute form it is the target's (RFC 9112, 3.2.2), whatever the header said.
  if (request.headers.host !== undefined) headers['host'] = request.headers.host;
  forwarded(headers, request);
  return { headers, cookies };
}

/** What is known of the connection goes before what a caller says of it: of addresses, the last is the one that we saw. A proxy on this machine, which ends TLS, knows better how it was asked. */
function forwarded(headers: Record<string, string>, request: IncomingMessage): void {
  const { socket } = request;
  const [said, seen] = [headers['x-forwarded-for'] ?? '', addressOf(request)];
  headers['x-forwarded-for'] = said === '' ? seen : `${said}, ${seen}`;
  const proxied = LOOPBACK.test(seen);
  if (!proxied || !/^\d{1,5}$/.test(headers['x-forwarded-port'] ?? '')) headers['x-forwarded-port'] = String(socket.localPort ?? '');
  if (!proxied || !/^https?$/.test(headers['x-forwarded-proto'] ?? '')) headers['x-forwarded-proto'] = 'http';
}

const LOOPBACK = /^(::1|127\.[\d.]+)$/;

/** Where a request comes from. A server that listens on `::` sees IPv4 as IPv6 (`::ffff:10.1.1.1`), which is no address that a function could look up in its lists. */
function addressOf({ socket }: IncomingMessage): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}

/** Repeated parameters are joined by commas, as the format has it. */
function queryParameters(query: string): Record<string, string> {
  const parameters = nothing();
  for (const [name, value] of new URLSearchParams(query)) {
    parameters[name] = name in parameters ? `${parameters[name]},${value}` : value;
  }
  return parameters;
}

/** For names that callers choose, `__proto__` among them. */
function nothing(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `12/Mar/2026:19:03:58 +0000` */
function commonLogTime(t: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${two(t.getUTCDate())}/${MONTHS[t.getUTCMonth()]}/${t.getUTCFullYear()}`;
  return `${day}:${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())} +0000`;
}
