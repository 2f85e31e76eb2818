import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HearthError } from '../errors.ts';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts secrets at rest. A signature needs the secret itself, so that a hash of it would not do. */
export interface Seal {
  seal(text: string): string;
  /** Throws HearthError ServiceUnavailable for what another key sealed. */
  open(sealed: string): string;
}

/**
 * The seal of a server: AES-256-GCM by a key that lies in HEARTH_HOME for its owner's eyes only, apart from the database. Made at the first start.
 * Throws HearthError ServiceUnavailable when the file is there and is no key.
 */
export function openSeal(home: string): Seal {
  const path = join(home, 'keys.secret');
  const key = present(path) ?? made(home, path);
  if (key.length !== KEY_BYTES)
    throw new HearthError('ServiceUnavailable', `${path} is no key of ${KEY_BYTES} bytes; restore it from a backup`);
  return {
    seal(text) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES));
        decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
      } catch (error) {
        throw new HearthError('ServiceUnavailable', `A key can't be read: ${path} is not what it was sealed with`, { cause: error });
      }
    },
  };
}

function present(path: string): Buffer | null {
  try {
    return Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function made(home: string, path: string): Buffer {
  const key = randomBytes(KEY_BYTES);
  mkdirSync(home, { recursive: true });
  writeFileSync(path, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return key;
}
