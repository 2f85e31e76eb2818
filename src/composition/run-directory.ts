import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/**
 * Where the sockets of a server lie: short, since a socket's path may have 107 bytes, outside /tmp, which functions have of their own, and one for
 * each HEARTH_HOME. `/run` where we may write to it, else the user's runtime directory, else the home itself.
 */
export function runDirectory(home: string, env: Readonly<Record<string, string | undefined>>): string {
  const name = `hearth-${createHash('sha256').update(home).digest('hex').slice(0, 10)}`;
  const parents = ['/run', env['XDG_RUNTIME_DIR']];
  const parent = parents.find((p) => p !== undefined && p !== '' && writable(p));
  return parent === undefined ? join(home, 'run') : join(parent, name);
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
