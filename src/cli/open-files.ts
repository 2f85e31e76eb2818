import { readFileSync } from 'node:fs';
import { CliError } from './errors.ts';

/** As many as an instance may have open: what may have fewer can't give it that. */
const NEEDED = 1024;

/**
 * Throws CliError where this process may have fewer files open than the server needs: it would not load, or start no function. Node.js has raised its own
 * limit as far as it may be raised.
 */
export function refuseFewOpenFiles(): void {
  const most = mostOpenFiles();
  if (most >= NEEDED) return;
  throw new CliError(`a process may have no more than ${most} files open here, and the server needs ${NEEDED}`, {
    fix: `start it from a shell where \`ulimit -Hn\` is ${NEEDED} or more: a new login, maybe after /etc/security/limits.conf, or LimitNOFILE= of its service, were changed`,
  });
}

/** The hard limit; Infinity where it can't be told. */
function mostOpenFiles(): number {
  if (process.platform !== 'linux') return Infinity;
  try {
    const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return hard === undefined ? Infinity : Number(hard);
  } catch {
    return Infinity;
  }
}
