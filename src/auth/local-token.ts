import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/** A secret in a file for its owner's eyes only, made when it is not there. */
export function openLocalToken(path: string): string {
  try {
    const present = readFileSync(path, 'utf8').trim();
    if (present !== '') return present;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const token = randomBytes(24).toString('base64url');
  writeFileSync(path, `${token}\n`, { mode: 0o600, flush: true });
  return token;
}
