import { randomBytes } from 'node:crypto';
import type { AccessKey } from './keys.ts';

/** Characters of an access key id after its prefix, as AWS's ids have them. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A key that nobody has. */
export function newKey(): AccessKey {
  const id = Array.from(randomBytes(10), (b) => LETTERS[b % LETTERS.length]).join('');
  return { id: `AKIAHEARTH${id}`, secret: randomBytes(30).toString('base64url') };
}
