import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** What the name of a home's `run` may have, so that those of the sockets in it fit into the 103 to 107 bytes of an address. */
const MOST_BYTES = 80;

/**
 * Where the sockets of a server lie: short, since a socket's path may have 107 bytes, outside /tmp, which functions have of their own, and one for
 * each HEARTH_HOME. `/run` where we may write to it, else the home itself. The user's runtime directory is for a home that is too deep or below /tmp only:
 * it is removed when its user has logged out, and a server in the background goes on. `mayWrite` says whether a folder takes another.
 */
export function runDirectory(home: string, env: Readonly<Record<string, string | undefined>>, mayWrite = writable): string {
  const name = `hearth-${createHash('sha256').update(home).digest('hex').slice(0, 10)}`;
  if (mayWrite('/run')) return join('/run', name);
  const own = join(home, 'run');
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime === undefined || runtime === '' || isUsable(own) || !mayWrite(runtime)) return own;
  return join(runtime, name);
}

function isUsable(own: string): boolean {
  return Buffer.byteLength(own) <= MOST_BYTES && !own.startsWith('/tmp/');
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
