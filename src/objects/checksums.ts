import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64 } from 'hash-wasm';
import type { ChecksumAlgorithm } from './model.ts';

/** A checksum that grows with its data. */
export interface Digest {
  update(chunk: Buffer): void;
  /** Once, at the end. */
  end(): Buffer;
}

/** Reflected polynomials: Castagnoli's, and the one of NVMe. */
const CRC32_POLYNOMIAL = 0xedb88320n;
const CRC32C_POLYNOMIAL = 0x82f63b78n;
const CRC64_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

/** Length of a checksum, bytes. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };

export async function newDigest(algorithm: ChecksumAlgorithm): Promise<Digest> {
  switch (algorithm) {
    case 'CRC32':
      return plainCrc32();
    case 'CRC32C':
      return fromWasm(await createCRC32(Number(CRC32C_POLYNOMIAL)));
    case 'CRC64NVME':
      return fromWasm(await createCRC64(CRC64_POLYNOMIAL.toString(16)));
    case 'SHA1':
      return fromHash('sha1');
    case 'SHA256':
      return fromHash('sha256');
  }
}

function plainCrc32(): Digest {
  let value = 0;
  return {
    update: (chunk) => (value = crc32(chunk, value)),
    end: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}

function fromWasm(hasher: Awaited<ReturnType<typeof createCRC32>>): Digest {
  hasher.init();
  return { update: (chunk) => hasher.update(chunk), end: () => Buffer.from(hasher.digest('binary')) };
}

function fromHash(name: string): Digest {
  const hash = createHash(name);
  return { update: (chunk) => hash.update(chunk), end: () => hash.digest() };
}

/** The checksum of all parts' checksums, as S3 makes it. */
export async function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): Promise<string> {
  const digest = await newDigest(algorithm);
  for (const part of parts) digest.update(Buffer.from(part, 'base64'));
  return `${digest.end().toString('base64')}-${parts.length}`;
}

/** The checksum of the whole, from those of its parts in order; null for one that can't be computed so. */
export function joinedChecksum(
  algorithm: ChecksumAlgorithm,
  parts: readonly { readonly checksum: string; readonly size: number }[],
): string | null {
  const crc = CRCS[algorithm];
  if (crc === undefined) return null;
  let whole = 0n;
  for (const part of parts) {
    const value = BigInt(`0x${Buffer.from(part.checksum, 'base64').toString('hex')}`);
    whole = shifted(whole, part.size, crc) ^ value;
  }
  return Buffer.from(whole.toString(16).padStart(Number(crc.bits) / 4, '0'), 'hex').toString('base64');
}

interface Crc {
  readonly bits: bigint;
  readonly polynomial: bigint;
}

const CRCS: Partial<Readonly<Record<ChecksumAlgorithm, Crc>>> = {
  CRC32: { bits: 32n, polynomial: CRC32_POLYNOMIAL },
  CRC32C: { bits: 32n, polynomial: CRC32C_POLYNOMIAL },
  CRC64NVME: { bits: 64n, polynomial: CRC64_POLYNOMIAL },
};

/** A checksum as if `bytes` zeros followed its data: times x to the power of 8 * bytes, modulo the polynomial. */
function shifted(value: bigint, bytes: number, crc: Crc): bigint {
  let power = 1n << (crc.bits - 2n); // x, reflected
  let result = value;
  for (let n = BigInt(bytes) * 8n; n > 0n; n >>= 1n) {
    if (n & 1n) result = product(result, power, crc);
    power = product(power, power, crc);
  }
  return result;
}

/** Product of two reflected polynomials, modulo the CRC's. */
function product(a: bigint, b: bigint, { bits, polynomial }: Crc): bigint {
  let [sum, factor] = [0n, b];
  for (let bit = 1n << (bits - 1n); bit > 0n; bit >>= 1n) {
    if (a & bit) sum ^= factor;
    factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
  }
  return sum;
}
