import { signedPayload } from '../../auth/payload.ts';
import { HearthError } from '../../errors.ts';
import { CHECKSUM_BYTES, newDigest } from '../checksums.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../model.ts';
import { DEFAULT_CHECKSUM } from '../object-store.ts';
import type { Expected, Incoming } from '../receive.ts';
import { createHash } from 'node:crypto';
import { header, type S3Request } from './request.ts';
import { parseXml, type XmlNode } from './xml.ts';

/** Largest object of one request, as on S3: 5 GiB. */
export const MAX_PUT_BYTES = 5 * 1024 ** 3;
const DOCUMENT_BYTES = 2 * 1024 * 1024;

/** The body of a request, decoded and checked against its signature as it is read. */
export function incoming(r: S3Request): Incoming {
  return signedPayload(wire(r), r.signed, r.verified);
}

/** Reading may stop before the end without the connection being lost: the answer has still to go out on it. */
async function* wire(r: S3Request): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of r.raw.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (error) {
    throw new HearthError('IncompleteBody', 'The request body terminated unexpectedly', { cause: error });
  }
}

/** What the headers say that the body must be. `algorithm`: the one of the upload that this is a part of. */
export function expectedOf(r: S3Request, o: { algorithm?: ChecksumAlgorithm; maxBytes?: number } = {}): Expected {
  const declared = declaredChecksum(r);
  if (declared !== null && o.algorithm !== undefined && declared.algorithm !== o.algorithm) {
    throw new HearthError(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${o.algorithm.toLowerCase()}, actual checksum Type: ${declared.algorithm.toLowerCase()}`,
    );
  }
  return {
    md5: contentMd5(r),
    algorithm: o.algorithm ?? declared?.algorithm ?? requestedAlgorithm(r) ?? DEFAULT_CHECKSUM.algorithm,
    checksum: declared?.value ?? null,
    minBytes: 0,
    maxBytes: o.maxBytes ?? MAX_PUT_BYTES,
  };
}

/** A checksum in a header or announced as a trailer. Throws InvalidRequest. */
export function declaredChecksum(r: S3Request): { algorithm: ChecksumAlgorithm; value: string } | null {
  const trailer = (header(r, 'x-amz-trailer') ?? '').toLowerCase();
  const found = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
    const value = header(r, name) ?? (trailer.split(',').some((t) => t.trim() === name) ? 'trailer' : undefined);
    return value === undefined ? [] : [{ algorithm, value, name }];
  });
  if (found.length > 1)
    throw new HearthError('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  const [one] = found;
  if (one === undefined) return null;
  if (one.value !== 'trailer' && Buffer.from(one.value, 'base64').length !== CHECKSUM_BYTES[one.algorithm]) {
    throw new HearthError('InvalidRequest', `Value for ${one.name} header is invalid.`);
  }
  return one;
}

/** The algorithm that a client asks for without giving a checksum. */
export function requestedAlgorithm(r: S3Request): ChecksumAlgorithm | null {
  const text = (header(r, 'x-amz-sdk-checksum-algorithm') ?? header(r, 'x-amz-checksum-algorithm'))?.toUpperCase();
  if (text === undefined) return null;
  const algorithm = CHECKSUM_ALGORITHMS.find((a) => a === text);
  if (algorithm !== undefined) return algorithm;
  throw new HearthError(
    'InvalidRequest',
    `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(', ')}]`,
  );
}

function contentMd5(r: S3Request): string | null {
  const text = r.signed.headers['content-md5']?.[0];
  if (text === undefined) return null;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 16 && bytes.toString('base64') === text) return text;
  throw new HearthError('InvalidDigest', 'The Content-MD5 you specified was invalid.', { details: { 'Content-MD5': text } });
}

/** A document in the body, checked as content is. Throws MalformedXML, BadDigest. */
export async function xmlBody(r: S3Request, root: string): Promise<XmlNode> {
  const body = await wholeBody(r);
  return parseXml(body, root);
}

/** A small body as a whole. `needsDigest`: refused without Content-MD5 or a checksum. */
export async function wholeBody(r: S3Request, needsDigest = false): Promise<Buffer> {
  const { md5, checksum, algorithm } = expectedOf(r);
  if (needsDigest && md5 === null && checksum === null) {
    throw new HearthError('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
  const { chunks, trailers } = incoming(r);
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > DOCUMENT_BYTES)
      throw new HearthError('EntityTooLarge', 'Your request was too big.', { details: { MaxSizeAllowed: DOCUMENT_BYTES } });
    read.push(chunk);
  }
  const body = Buffer.concat(read);
  if (md5 !== null && createHash('md5').update(body).digest('base64') !== md5) {
    throw new HearthError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const digest = await newDigest(algorithm);
  digest.update(body);
  const wanted = checksum === 'trailer' ? trailers.get(`x-amz-checksum-${algorithm.toLowerCase()}`) : checksum;
  if (wanted !== null && wanted !== digest.end().toString('base64')) {
    throw new HearthError('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
  }
  return body;
}
