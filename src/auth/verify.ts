import { timingSafeEqual } from 'node:crypto';
import { HearthError } from '../errors.ts';
import { readClaim, timeOf, type Claim } from './claim.ts';
import type { AccessKey, Keys } from './keys.ts';
import { REMEDY } from './remedy.ts';
import { signingKeyOf } from './signing-keys.ts';
import { hmac, stringToSign, type CredentialScope, type SignedRequest } from './sigv4.ts';

/** A request whose signature was found right. */
export interface Verified {
  readonly accessKeyId: string;
  readonly scope: CredentialScope;
  /** `20261231T235959Z`. */
  readonly time: string;
  /** In hex; the first link of the chain that signed chunks make. */
  readonly signature: string;
  readonly signingKey: Buffer;
  readonly presigned: boolean;
}

export interface VerifyOptions {
  readonly keys: Keys;
  /** The service the request is for: it must be signed for that one. */
  readonly service: string;
  readonly nowMs: number;
  /** Hash of the payload when the request does not carry it in `x-amz-content-sha256`. */
  readonly payloadHash?: string;
}

/** How far the clocks may be apart. */
const SKEW_MS = 15 * 60_000;

/**
 * Checks the signature (AWS Signature Version 4) of a request in its header or query; null when it is not signed. The payload is not
 * looked at: compare it with `x-amz-content-sha256`, which the signature covers. Throws InvalidAccessKeyId, SignatureDoesNotMatch,
 * RequestTimeTooSkewed, AccessDenied (an expired or a not yet valid URL, an unsigned header), InvalidRequest (S3: nothing is said of the payload) or what `readClaim` throws.
 */
export async function verifySignature(request: SignedRequest, o: VerifyOptions): Promise<Verified | null> {
  const found = await claimed(request, o);
  if (found === null) return null;
  const { claim, key } = found;
  const presigned = claim.expiresSeconds !== null;
  const daily = signingKeyOf(key.secret, claim.scope);
  const text = stringToSign(request, {
    signedHeaders: claim.signedHeaders,
    payloadHash: request.headers['x-amz-content-sha256']?.[0] ?? o.payloadHash ?? withoutDigest(o.service, presigned),
    time: claim.time,
    scope: claim.scope,
    ...(presigned ? { without: 'X-Amz-Signature' } : {}),
  });
  if (!sameSignature(claim.signature, hmac(daily.key, text))) throw mismatch(claim, text);
  daily.keep();
  return { accessKeyId: key.id, scope: claim.scope, time: claim.time, signature: claim.signature, signingKey: daily.key, presigned };
}

/** What a request covers that says nothing of its payload: of S3 only a presigned one may, and a client that leaves it out (curl before 8) is told what it lacks. */
function withoutDigest(service: string, presigned: boolean): string {
  if (service === 's3' && !presigned)
    throw new HearthError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  return 'UNSIGNED-PAYLOAD';
}

/**
 * Checks of a signature all that the head of a request tells whose payload is still to come: the signature itself where `x-amz-content-sha256` says what
 * it covers, else whose it claims to be and when it was made. The key's id; null when the request is not signed. Throws as `verifySignature` does.
 */
export async function verifyHead(request: SignedRequest, o: Omit<VerifyOptions, 'payloadHash'>): Promise<string | null> {
  const whole = request.headers['x-amz-content-sha256'] !== undefined;
  return whole ? ((await verifySignature(request, o))?.accessKeyId ?? null) : ((await claimed(request, o))?.key.id ?? null);
}

/** What a request says of its signature, with the key that it names; everything checked but the signature. */
async function claimed(request: SignedRequest, o: VerifyOptions): Promise<{ claim: Claim; key: AccessKey } | null> {
  const claim = readClaim(request);
  if (claim === null) return null;
  checkScope(claim, o.service);
  const key = await o.keys.find(claim.accessKeyId);
  if (key === null) throw unknownKey(claim.accessKeyId);
  checkTime(claim, o.nowMs);
  checkHeaders(request, claim);
  return { claim, key };
}

/** Compares a signature in hex with what it should be, in a time that tells nothing. */
export function sameSignature(given: string, right: Buffer): boolean {
  const bytes = /^[0-9a-f]{64}$/i.test(given) ? Buffer.from(given, 'hex') : Buffer.alloc(0);
  return bytes.length === right.length && timingSafeEqual(bytes, right);
}

/** The error for a key that this server does not know. */
export function unknownKey(accessKeyId: string): HearthError {
  const message = `The AWS Access Key Id you provided does not exist in our records. ${REMEDY}`;
  return new HearthError('InvalidAccessKeyId', message, { details: { AWSAccessKeyId: accessKeyId } });
}

export function mismatch(claim: Pick<Claim, 'accessKeyId' | 'signature'>, text: string): HearthError {
  return new HearthError(
    'SignatureDoesNotMatch',
    `The request signature we calculated does not match the signature you provided. Check your key and signing method. ${REMEDY}`,
    { details: { AWSAccessKeyId: claim.accessKeyId, StringToSign: text, SignatureProvided: claim.signature } },
  );
}

function checkScope(claim: Claim, service: string): void {
  const problem = (text: string): HearthError =>
    claim.expiresSeconds === null
      ? new HearthError('AuthorizationHeaderMalformed', `The authorization header is malformed; ${text}`)
      : new HearthError('AuthorizationQueryParametersError', `Error parsing the X-Amz-Credential parameter; ${text}`);
  if (claim.scope.service !== service) throw problem(`incorrect service "${claim.scope.service}". This endpoint belongs to "${service}".`);
  if (!claim.time.startsWith(claim.scope.date)) throw problem('Invalid credential date. Date is not the same as X-Amz-Date.');
}

function checkTime(claim: Claim, nowMs: number): void {
  const at = timeOf(claim.time);
  const times = { RequestTime: claim.time, ServerTime: new Date(nowMs).toISOString() };
  if (claim.expiresSeconds === null) {
    if (Math.abs(nowMs - at) <= SKEW_MS) return;
    const message = "The difference between the request time and the server's time is too large.";
    throw new HearthError('RequestTimeTooSkewed', message, { details: { ...times, MaxAllowedSkewMilliseconds: SKEW_MS } });
  }
  if (at - nowMs > SKEW_MS) throw new HearthError('AccessDenied', 'Request is not yet valid', { details: times });
  const endMs = at + claim.expiresSeconds * 1000;
  if (!(nowMs <= endMs)) {
    const details = { 'X-Amz-Expires': claim.expiresSeconds, Expires: new Date(endMs).toISOString(), ServerTime: times.ServerTime };
    throw new HearthError('AccessDenied', 'Request has expired', { details });
  }
}

/** What steers a request must be signed: its host and every `x-amz-` header. */
function checkHeaders(request: SignedRequest, claim: Claim): void {
  const signed = new Set(claim.signedHeaders);
  const open = Object.keys(request.headers).filter((name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.has(name));
  if (open.length === 0) return;
  throw new HearthError('AccessDenied', 'There were headers present in the request which were not signed', {
    details: { HeadersNotSigned: open.join(', ') },
  });
}
