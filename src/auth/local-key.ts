import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HearthError } from '../errors.ts';
import type { AccessKey } from './keys.ts';
import { newKey } from './new-key.ts';

/** Where the key of this server lies: a credentials file as every AWS tool reads it (`AWS_SHARED_CREDENTIALS_FILE`). */
function localKeyPath(home: string): string {
  return join(home, 'credentials');
}

/**
 * The key that may do everything on this server: made at the first start, kept in HEARTH_HOME for its owner's eyes only.
 * Throws HearthError ServiceUnavailable when the file is there and holds no key.
 */
export function openLocalKey(home: string): AccessKey {
  const path = localKeyPath(home);
  const present = read(path);
  if (present !== null) return parse(path, present);
  const key = newKey();
  mkdirSync(home, { recursive: true });
  const text = `[default]\naws_access_key_id = ${key.id}\naws_secret_access_key = ${key.secret}\n`;
  writeFileSync(path, text, { mode: 0o600, flag: 'wx', flush: true });
  return key;
}

/** The key of the server of that home, if one was ever started and its file may be read. */
export function readLocalKey(home: string): AccessKey | null {
  const path = localKeyPath(home);
  try {
    const text = read(path);
    return text === null ? null : parse(path, text);
  } catch {
    return null;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parse(path: string, text: string): AccessKey {
  const id = /^\s*aws_access_key_id\s*=\s*(\S+)\s*$/m.exec(text)?.[1];
  const secret = /^\s*aws_secret_access_key\s*=\s*(\S+)\s*$/m.exec(text)?.[1];
  if (id !== undefined && secret !== undefined) return { id, secret };
  throw new HearthError('ServiceUnavailable', `${path} holds no key; remove it, and the next start makes a new one`);
}
