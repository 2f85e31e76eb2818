import type { IncomingMessage } from 'node:http';
import { percentDecode, queryPairs, type SignedRequest } from '../../auth/sigv4.ts';
import type { Caller } from '../../auth/authority.ts';
import { ANYBODY } from '../../auth/authority.ts';
import type { Verified } from '../../auth/verify.ts';
import { HearthError } from '../../errors.ts';
import type { Cause } from '../object-index.ts';
import { checkBucketName } from './names.ts';

/** A request to S3, taken apart. */
export interface S3Request {
  readonly method: string;
  /** null: the service itself. */
  readonly bucket: string | null;
  /** null: the bucket itself. */
  readonly key: string | null;
  /** Whether the Host names the bucket, and not the path. */
  readonly byHost: boolean;
  /** Parameters by name; of one that is given twice, the first. */
  readonly query: ReadonlyMap<string, string>;
  readonly raw: IncomingMessage;
  readonly signed: SignedRequest;
  /** null: anonymous. */
  readonly verified: Verified | null;
  /** Who may do what is asked for. */
  readonly caller: Caller;
  readonly requestId: string;
}

/** The bucket that a Host names: `BUCKET.s3.localhost`. */
const BY_HOST = /^(.+)\.s3\.[a-z0-9.-]+$/;
const S3_HOST = /(^|\.)s3\.[a-z0-9.-]+$/;

/** Whether a Host (lower case, no port) is S3's. */
export function isS3Host(host: string): boolean {
  return S3_HOST.test(host);
}

/** The first segment of a path; null when there is none. */
export function firstSegment(url: string): string | null {
  const segment = /^\/([^/?]+)/.exec(url)?.[1];
  return segment ?? null;
}

/** Takes a request apart. Throws InvalidURI, InvalidBucketName, KeyTooLongError, InvalidArgument. */
export function parseRequest(raw: IncomingMessage, requestId: string): S3Request {
  const url = raw.url ?? '/';
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const query = new Map<string, string>();
  for (const [name, value] of queryPairs(at < 0 ? '' : url.slice(at + 1))) if (!query.has(name)) query.set(name, value);
  const signed = { method: raw.method ?? 'GET', url, headers: raw.headersDistinct };
  const host = hostName(raw.headers.host ?? '');
  const byHost = BY_HOST.exec(host)?.[1];
  const rest = path.slice(1);
  const slash = rest.indexOf('/');
  const [first, after] = slash < 0 ? [rest, ''] : [rest.slice(0, slash), rest.slice(slash + 1)];
  const [bucket, encodedKey] = byHost === undefined ? [percentDecode(first), after] : [byHost, rest];
  const common = { method: signed.method, byHost: byHost !== undefined, query, raw, signed, verified: null, caller: ANYBODY, requestId };
  if (bucket === '') return { ...common, bucket: null, key: null };
  checkBucketName(bucket);
  return { ...common, bucket, key: encodedKey === '' ? null : checkKey(percentDecode(encodedKey)) };
}

const KEY_BYTES = 1024;

/** A key that can be stored. Throws KeyTooLongError, InvalidArgument for NUL, which PostgreSQL's text can't hold. */
export function checkKey(key: string): string {
  const bytes = Buffer.byteLength(key);
  if (bytes > KEY_BYTES) {
    throw new HearthError('KeyTooLongError', 'Your key is too long', { details: { Size: bytes, MaxSizeAllowed: KEY_BYTES } });
  }
  if (!key.includes('\0')) return key;
  throw new HearthError('InvalidArgument', 'A key may not contain the character NUL.', { details: { ArgumentName: 'key' } });
}

/** A header's value; undefined when it is not there or is empty. */
export function header(r: S3Request, name: string): string | undefined {
  const value = r.signed.headers[name]?.join(',');
  return value === undefined || value === '' ? undefined : value;
}

/** The bucket of a request that routing has found to be for one. */
export function bucketOf(r: S3Request): string {
  if (r.bucket === null) throw new HearthError('InvalidRequest', 'This needs a bucket.');
  return r.bucket;
}

export function keyOf(r: S3Request): string {
  if (r.key === null) throw new HearthError('InvalidRequest', 'This needs a key.');
  return r.key;
}

/** Headers that tell of the chain of events a request belongs to, as functions' requests carry them. */
const TRACE = 'x-amzn-trace-id';

export function causeOf(r: S3Request): Cause {
  const ip = r.raw.socket.remoteAddress ?? '127.0.0.1';
  return {
    requestId: r.requestId,
    sourceIp: ip.replace(/^::ffff:/, ''),
    principal: r.verified?.accessKeyId ?? 'anonymous',
    lineage: header(r, 'x-hearth-lineage') ?? '',
    traceId: header(r, TRACE) ?? '',
  };
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}
