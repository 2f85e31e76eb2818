import { createHmac, hash } from 'node:crypto';
import { HearthError } from '../errors.ts';

/** What a signature is bound to: `20261231/us-east-1/s3/aws4_request`. */
export interface CredentialScope {
  /** YYYYMMDD. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** A request as far as its signature covers it. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they came on the wire. */
  readonly url: string;
  /** By lower-case name, each with its values in order. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
}

export function sha256Hex(data: string | Buffer): string {
  return hash('sha256', data, 'hex');
}

export function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

export function scopeText(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

/** Derives the key that signs for one day, region and service; `signingKeyOf` remembers it. */
export function signingKey(secret: string, scope: CredentialScope): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, scope.date), scope.region), scope.service), 'aws4_request');
}

/** The text whose HMAC is the signature of a request. `without`: a query parameter that is not covered, its own signature. */
export function stringToSign(
  request: SignedRequest,
  o: { signedHeaders: readonly string[]; payloadHash: string; time: string; scope: CredentialScope; without?: string },
): string {
  const at = request.url.indexOf('?');
  const path = at < 0 ? request.url : request.url.slice(0, at);
  const query = at < 0 ? '' : request.url.slice(at + 1);
  const headers = o.signedHeaders.map((name) => `${name}:${headerText(request, name)}\n`).join('');
  const canonical = [
    request.method,
    canonicalPath(path, o.scope.service),
    canonicalQuery(query, o.without),
    headers,
    o.signedHeaders.join(';'),
    o.payloadHash,
  ].join('\n');
  return ['AWS4-HMAC-SHA256', o.time, scopeText(o.scope), sha256Hex(canonical)].join('\n');
}

function headerText(request: SignedRequest, name: string): string {
  const values = request.headers[name] ?? [];
  return values.map((value) => value.trim().replaceAll(/ +/g, ' ')).join(',');
}

/** Encoded once for S3, whose keys are what they are; every other service encodes what is encoded already, of a path without segments that mean nothing. */
function canonicalPath(path: string, service: string): string {
  const segments = (service === 's3' ? path : normal(path)).split('/');
  return segments.map((s) => (service === 's3' ? awsEncode(percentDecode(s)) : awsEncode(s))).join('/');
}

/**
 * A path as AWS's signers normalise it: `//a/./b/` is `/a/b/`. One with `..` is taken as it is, and so is refused if it was signed by AWS's signers: on AWS the
 * host tells the function, here the path may, and what was signed for `/fn/a/` must not be good for `/fn/b/../a/`.
 */
function normal(path: string): string {
  if (!path.includes('//') && !path.includes('/.')) return path;
  const segments = path.split('/');
  if (segments.includes('..')) return path;
  const kept = segments.filter((segment) => segment !== '' && segment !== '.');
  return kept.length === 0 ? '/' : `/${kept.join('/')}${path.endsWith('/') ? '/' : ''}`;
}

function canonicalQuery(query: string, without: string | undefined): string {
  const pairs = queryPairs(query).filter(([name]) => name !== without);
  const encoded = pairs.map(([name, value]) => [awsEncode(name), awsEncode(value)] as const);
  return encoded
    .sort((a, b) => order(a[0], b[0]) || order(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Names and values of a query, decoded. Throws InvalidURI. */
export function queryPairs(query: string): [string, string][] {
  const parts = query.split('&').filter((part) => part !== '');
  return parts.map((part) => {
    const at = part.indexOf('=');
    const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    return [percentDecode(name.replaceAll('+', ' ')), percentDecode(value.replaceAll('+', ' '))];
  });
}

/** Text of a path or query, decoded. Throws InvalidURI for what is not UTF-8 in percent encoding. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new HearthError('InvalidURI', "Couldn't parse the specified URI.", { cause: error });
  }
}

/** Encodes all but unreserved characters, as signatures want it. */
function awsEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
