import { HearthError } from '../errors.ts';
import type { CredentialScope, SignedRequest } from './sigv4.ts';
import { queryPairs } from './sigv4.ts';

/** What a request says of its signature, before anything is checked. */
export interface Claim {
  readonly accessKeyId: string;
  readonly scope: CredentialScope;
  /** Names in lower case. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20261231T235959Z`. */
  readonly time: string;
  /** Seconds that a presigned URL holds; null for a signature in a header. */
  readonly expiresSeconds: number | null;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const LONGEST_SECONDS = 604_800;

/** The service that a request is signed for, without checking the signature; null when it is not signed. Cheap: for routing. */
export function signedService(request: {
  readonly url?: string | undefined;
  readonly headers: { readonly authorization?: string | undefined };
}): string | null {
  const { authorization } = request.headers;
  if (authorization !== undefined) return SERVICE_IN_HEADER.exec(authorization)?.[1] ?? null;
  const url = request.url ?? '';
  return url.includes('X-Amz-Credential=') ? (SERVICE_IN_QUERY.exec(url)?.[1] ?? null) : null;
}

/** The key that a request says it is signed with, without checking the signature; null when it is not signed. Cheap. */
export function claimedKey(request: {
  readonly url?: string | undefined;
  readonly headers: { readonly authorization?: string | undefined };
}): string | null {
  const { authorization } = request.headers;
  if (authorization !== undefined) return KEY_IN_HEADER.exec(authorization)?.[1] ?? null;
  return KEY_IN_QUERY.exec(request.url ?? '')?.[1] ?? null;
}

const KEY_IN_HEADER = /^AWS4-HMAC-SHA256 .*?Credential=([^/]+)\//;
const KEY_IN_QUERY = /[?&]X-Amz-Credential=([^&/%]+)(?:%2F|\/)/i;
const SERVICE_IN_HEADER = /^AWS4-HMAC-SHA256 .*?Credential=[^/]+\/\d{8}\/[^/]*\/([a-z0-9-]+)\/aws4_request/;
const SERVICE_IN_QUERY = /[?&]X-Amz-Credential=[^&/%]+(?:%2F|\/)\d{8}(?:%2F|\/)[^&/%]*(?:%2F|\/)([a-z0-9-]+)(?:%2F|\/)aws4_request/i;

/**
 * Reads the signature of a request from its header or its query; null when it has none. Throws AuthorizationHeaderMalformed or
 * AuthorizationQueryParametersError.
 */
export function readClaim(request: SignedRequest): Claim | null {
  const authorization = request.headers['authorization']?.[0];
  if (authorization !== undefined) return fromHeader(authorization, request);
  const at = request.url.indexOf('?');
  if (at < 0 || !/[?&]X-Amz-(Algorithm|Credential|Signature)=/.test(request.url)) return null;
  return fromQuery(new Map(queryPairs(request.url.slice(at + 1))));
}

function fromHeader(authorization: string, request: SignedRequest): Claim {
  if (!authorization.startsWith(`${ALGORITHM} `)) {
    throw new HearthError('InvalidRequest', 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.');
  }
  const members = new Map(
    authorization
      .slice(ALGORITHM.length + 1)
      .split(',')
      .map((part) => {
        const at = part.indexOf('=');
        return [part.slice(0, at).trim(), part.slice(at + 1).trim()] as const;
      }),
  );
  const need = (name: string): string => {
    const value = members.get(name);
    if (value !== undefined && value !== '') return value;
    throw malformed(`the authorization header requires ${name}`);
  };
  const credential = parseCredential(need('Credential'));
  if (credential === null) throw malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"');
  const time = request.headers['x-amz-date']?.[0] ?? compactDate(request.headers['date']?.[0]);
  if (time === undefined || Number.isNaN(timeOf(time))) {
    throw new HearthError('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  }
  return {
    ...credential,
    signedHeaders: need('SignedHeaders').toLowerCase().split(';'),
    signature: need('Signature'),
    time,
    expiresSeconds: null,
  };
}

function fromQuery(query: ReadonlyMap<string, string>): Claim {
  const need = (name: string): string => {
    const value = query.get(name);
    if (value !== undefined && value !== '') return value;
    throw badQuery(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    );
  };
  if (need('X-Amz-Algorithm') !== ALGORITHM) throw badQuery(`X-Amz-Algorithm only supports "${ALGORITHM}"`);
  const credential = parseCredential(need('X-Amz-Credential'));
  if (credential === null)
    throw badQuery(
      'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  const time = need('X-Amz-Date');
  if (Number.isNaN(timeOf(time))) throw badQuery("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  const expires = need('X-Amz-Expires');
  if (!/^\d+$/.test(expires)) throw badQuery('X-Amz-Expires should be a number');
  if (Number(expires) > LONGEST_SECONDS) {
    throw badQuery(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    );
  }
  const signedHeaders = need('X-Amz-SignedHeaders').toLowerCase().split(';');
  return { ...credential, signedHeaders, signature: need('X-Amz-Signature'), time, expiresSeconds: Number(expires) };
}

/** Parses `AKID/YYYYMMDD/REGION/SERVICE/aws4_request`; null when it is not that. */
export function parseCredential(text: string): { accessKeyId: string; scope: CredentialScope } | null {
  const [accessKeyId, date, region, service, end, ...more] = text.split('/');
  if (!accessKeyId || !date || !/^\d{8}$/.test(date) || region === undefined || !service || end !== 'aws4_request' || more.length > 0)
    return null;
  return { accessKeyId, scope: { date, region, service } };
}

/** Milliseconds since the epoch of `20261231T235959Z`; NaN when it is no time. */
export function timeOf(text: string): number {
  const m = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  return m === null ? Number.NaN : Date.parse(`${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}Z`);
}

function compactDate(date: string | undefined): string | undefined {
  const at = Date.parse(date ?? '');
  if (Number.isNaN(at)) return undefined;
  return new Date(at).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}

function malformed(what: string): HearthError {
  return new HearthError('AuthorizationHeaderMalformed', `The authorization header is malformed; ${what}.`);
}

function badQuery(message: string): HearthError {
  return new HearthError('AuthorizationQueryParametersError', message);
}
