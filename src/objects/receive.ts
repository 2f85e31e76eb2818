import { createHash } from 'node:crypto';
import { HearthError } from '../errors.ts';
import type { Blobs, BlobWriter } from './blobs.ts';
import { newDigest } from './checksums.ts';
import type { ChecksumAlgorithm } from './model.ts';

/** Content on its way in. */
export interface Incoming {
  readonly chunks: AsyncIterable<Buffer>;
  /** Bytes that should come; null when nobody said. */
  readonly length: number | null;
  /** Headers after the content, by lower-case name; filled at its end. */
  readonly trailers: ReadonlyMap<string, string>;
}

/** What content must be, or nothing is stored. */
export interface Expected {
  /** Base64 MD5 of the content; null: not said. */
  readonly md5: string | null;
  readonly algorithm: ChecksumAlgorithm;
  /** Base64 checksum of that algorithm; the word `trailer`: the client sends it after the content; null: not said. */
  readonly checksum: string | null;
  readonly minBytes: number;
  readonly maxBytes: number;
}

/** Content that was written and is durable, but that nothing refers to yet. */
export interface Received {
  readonly blob: BlobWriter;
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  /** Base64. */
  readonly checksum: string;
}

/**
 * Writes content into a new blob in constant memory, and checks it. Nothing is left of it when this rejects: with BadDigest, IncompleteBody,
 * EntityTooLarge, EntityTooSmall, StorageFull, or what the content itself throws. `keep`: the algorithm of the checksum that is returned.
 */
export async function receive(
  blobs: Blobs,
  incoming: Incoming,
  expected: Expected,
  keep: ChecksumAlgorithm = expected.algorithm,
): Promise<Received> {
  if (incoming.length !== null && incoming.length > expected.maxBytes) throw tooLarge(incoming.length, expected.maxBytes);
  const blob = await blobs.create();
  try {
    const md5 = createHash('md5');
    const digest = await newDigest(expected.algorithm);
    const kept = keep === expected.algorithm ? digest : await newDigest(keep);
    let size = 0;
    for await (const chunk of incoming.chunks) {
      size += chunk.length;
      if (size > expected.maxBytes) throw tooLarge(size, expected.maxBytes);
      md5.update(chunk);
      digest.update(chunk);
      if (kept !== digest) kept.update(chunk);
      await blob.write(chunk);
    }
    if (incoming.length !== null && incoming.length !== size) {
      throw new HearthError('IncompleteBody', 'You did not provide the number of bytes specified by the Content-Length HTTP header');
    }
    if (size < expected.minBytes) {
      const details = { ProposedSize: size, MinSizeAllowed: expected.minBytes };
      throw new HearthError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', { details });
    }
    const sums = { md5: md5.digest(), checksum: digest.end().toString('base64') };
    check(sums, expected, incoming.trailers);
    await blob.finish();
    const checksum = kept === digest ? sums.checksum : kept.end().toString('base64');
    return { blob, size, md5: sums.md5.toString('hex'), checksum };
  } catch (error) {
    await blob.discard();
    throw error;
  }
}

function check(sums: { md5: Buffer; checksum: string }, expected: Expected, trailers: ReadonlyMap<string, string>): void {
  if (expected.md5 !== null && expected.md5 !== sums.md5.toString('base64')) {
    throw new HearthError('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
      details: { ExpectedDigest: expected.md5, CalculatedDigest: sums.md5.toString('base64') },
    });
  }
  const name = `x-amz-checksum-${expected.algorithm.toLowerCase()}`;
  const wanted = expected.checksum === 'trailer' ? (trailers.get(name) ?? '') : expected.checksum;
  if (wanted === null || wanted === sums.checksum) return;
  throw new HearthError('BadDigest', `The ${expected.algorithm} you specified did not match the calculated checksum.`);
}

function tooLarge(size: number, limit: number): HearthError {
  const details = { ProposedSize: size, MaxSizeAllowed: limit };
  return new HearthError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', { details });
}
