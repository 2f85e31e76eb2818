import { createHash } from 'node:crypto';
import { HearthError } from '../errors.ts';

/** Lambda's form of a digest (base64) as a folder's name (hex). Refuses what is not a SHA-256, since it becomes part of a path. */
export function hexOfSha256(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 32) throw new HearthError('InvalidParameterValueException', `not a SHA-256 in base64: ${base64}`);
  return bytes.toString('hex');
}

/** Whether a text is a SHA-256 in hex, as dependency digests are. */
export function isHexDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

export function sha256Base64(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}
