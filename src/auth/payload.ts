import { createHash } from 'node:crypto';
import { HearthError } from '../errors.ts';
import { decodeChunks, type ChunkSignatures } from './aws-chunked.ts';
import { sha256Hex, hmac, scopeText, type SignedRequest } from './sigv4.ts';
import { sameSignature, type Verified } from './verify.ts';

/** A body as it comes, checked against what was signed when its end is reached: until then nothing of it may be believed. */
export interface Payload {
  /** Throws XAmzContentSHA256Mismatch, SignatureDoesNotMatch or IncompleteBody, at the latest at its end. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Bytes that will come, once decoded; null when the client did not say. */
  readonly length: number | null;
  /** Headers that came after the body, by lower-case name; filled at its end. */
  readonly trailers: ReadonlyMap<string, string>;
}

const HEX_DIGEST = /^[0-9a-f]{64}$/;
const STREAMING = /^STREAMING-(AWS4-HMAC-SHA256|UNSIGNED)-PAYLOAD(-TRAILER)?$/;

/**
 * The body of a request whose signature was verified (or that is not signed: null). Decodes `aws-chunked`, verifies each chunk's and the
 * trailer's signature and the digest in `x-amz-content-sha256`. Throws MissingContentLength, InvalidArgument, MissingSecurityHeader.
 */
export function signedPayload(body: AsyncIterable<Buffer>, request: SignedRequest, verified: Verified | null): Payload {
  const declared = request.headers['x-amz-content-sha256']?.[0];
  const trailers = new Map<string, string>();
  const streaming = declared === undefined ? null : STREAMING.exec(declared);
  if (streaming !== null) {
    const length = decodedLength(request);
    const signed = streaming[1] !== 'UNSIGNED';
    if (signed && verified === null) throw new HearthError('AccessDenied', 'A signed payload needs a signed request.');
    const signatures = signed && verified !== null ? chunkSignatures(verified) : null;
    const names = (request.headers['x-amz-trailer']?.[0] ?? '')
      .toLowerCase()
      .split(',')
      .map((n) => n.trim());
    const declaredNames = new Set(streaming[2] === undefined ? [] : names.filter((n) => n !== ''));
    return { chunks: decodeChunks(body, { length, signatures, trailers, trailerNames: declaredNames }), length, trailers };
  }
  const length = contentLength(request);
  if (declared === undefined || declared === 'UNSIGNED-PAYLOAD') return { chunks: body, length, trailers };
  if (!HEX_DIGEST.test(declared)) {
    throw new HearthError(
      'InvalidArgument',
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
      { details: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: declared } },
    );
  }
  return { chunks: digested(body, declared), length, trailers };
}

async function* digested(body: AsyncIterable<Buffer>, declared: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
  const computed = hash.digest('hex');
  if (computed === declared) return;
  throw new HearthError('XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.", {
    details: { ClientComputedContentSHA256: declared, S3ComputedContentSHA256: computed },
  });
}

function contentLength(request: SignedRequest): number | null {
  const text = request.headers['content-length']?.[0];
  return text === undefined ? null : Number(text);
}

function decodedLength(request: SignedRequest): number {
  const text = request.headers['x-amz-decoded-content-length']?.[0];
  if (text === undefined) throw new HearthError('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HearthError('InvalidArgument', 'x-amz-decoded-content-length must be a whole number of bytes.');
}

const EMPTY = sha256Hex('');

/** Each chunk's signature covers the one before it. */
function chunkSignatures(verified: Verified): ChunkSignatures {
  let previous = verified.signature;
  const check = (kind: string, hashes: readonly string[], given: string): void => {
    const text = [kind, verified.time, scopeText(verified.scope), previous, ...hashes].join('\n');
    const right = hmac(verified.signingKey, text);
    if (!sameSignature(given, right)) {
      throw new HearthError(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
        { details: { StringToSign: text, SignatureProvided: given } },
      );
    }
    previous = given;
  };
  return {
    chunk: (hash, given) => check('AWS4-HMAC-SHA256-PAYLOAD', [EMPTY, hash], given),
    trailer: (hash, given) => check('AWS4-HMAC-SHA256-TRAILER', [hash], given),
  };
}
