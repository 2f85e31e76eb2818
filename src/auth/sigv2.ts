import { createHmac, timingSafeEqual } from 'node:crypto';
import { HearthError } from '../errors.ts';
import type { Keys } from './keys.ts';
import { queryPairs, signingKey, type SignedRequest } from './sigv4.ts';
import { mismatch, unknownKey, type Verified } from './verify.ts';

/** Parameters that are part of the resource that a URL is signed for. */
const SIGNED_PARAMETERS = new Set(
  (
    'acl cors delete lifecycle location logging notification partNumber policy requestPayment restore tagging torrent uploadId uploads versionId ' +
    'versioning versions website response-cache-control response-content-disposition response-content-encoding response-content-language ' +
    'response-content-type response-expires'
  ).split(' '),
);

/** The signature of a text by S3's first scheme, in base64. */
function sign(secret: string, text: string): string {
  return createHmac('sha1', secret).update(text).digest('base64');
}

/** Compares a signature with what it should be, in a time that tells nothing. */
export function sameV2(secret: string, text: string, given: string): boolean {
  const [right, other] = [Buffer.from(sign(secret, text)), Buffer.from(given)];
  return right.length === other.length && timingSafeEqual(right, other);
}

/**
 * Checks a URL that was presigned by S3's first scheme, Signature Version 2, which boto3 and version 1 of the AWS CLI still use for URLs and forms
 * unless told otherwise; null when it is none. Headers signed so are not taken. `bucket`: the one that the Host names, or null.
 * Throws InvalidAccessKeyId, AccessDenied (expired), SignatureDoesNotMatch.
 */
export async function verifyV2Url(
  request: SignedRequest,
  o: { keys: Keys; nowMs: number; bucket: string | null },
): Promise<Verified | null> {
  const at = request.url.indexOf('?');
  const pairs = at < 0 ? [] : queryPairs(request.url.slice(at + 1));
  const query = new Map(pairs);
  const [id, signature, expires] = [query.get('AWSAccessKeyId'), query.get('Signature'), query.get('Expires')];
  if (id === undefined || signature === undefined || expires === undefined) return null;
  const key = await o.keys.find(id);
  if (key === null) throw unknownKey(id);
  if (!/^\d{1,11}$/.test(expires) || Number(expires) * 1000 < o.nowMs) {
    throw new HearthError('AccessDenied', 'Request has expired', {
      details: { Expires: expires, ServerTime: new Date(o.nowMs).toISOString() },
    });
  }
  const text = textToSign(request, { pairs, expires, path: request.url.slice(0, at), bucket: o.bucket });
  if (!sameV2(key.secret, text, signature)) throw mismatch({ accessKeyId: id, signature }, text);
  const scope = { date: '', region: '', service: 's3' };
  return { accessKeyId: key.id, scope, time: '', signature: '', signingKey: signingKey(key.secret, scope), presigned: true };
}

function textToSign(
  request: SignedRequest,
  o: { pairs: [string, string][]; expires: string; path: string; bucket: string | null },
): string {
  const header = (name: string): string => request.headers[name]?.join(',').trim() ?? '';
  const own = Object.keys(request.headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => `${name}:${header(name)}\n`);
  const parameters = o.pairs
    .filter(([name]) => SIGNED_PARAMETERS.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const resource = `${o.bucket === null ? '' : `/${o.bucket}`}${o.path}${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`;
  return [request.method, header('content-md5'), header('content-type'), o.expires, `${own.join('')}${resource}`].join('\n');
}
