import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { HearthError } from '../../errors.ts';
import type { Account } from './account.ts';
import type { DeathWatch } from './death-watch.ts';
import type { Installation } from './installation.ts';

/** Where and as whom PostgreSQL's programs run. */
export interface Host {
  readonly installation: Installation;
  readonly account: Account | null;
  readonly deathWatch: DeathWatch;
  /** Whoever wants them to run no longer does: what is not ready yet is ended. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * How PostgreSQL is told its folder. On Linux by the process's own working directory: we open it, the program only
 * stays in it. So the data may lie under a home that its account can't enter (`/root/.hearth`), and nobody else
 * running as that account reaches it by path.
 */
export function folderArgument(folder: string): string {
  return process.platform === 'linux' ? '/proc/self/cwd' : folder;
}

/** Starts one of PostgreSQL's programs in `cwd`, in a session of its own (a terminal's Ctrl-C is ours to handle), bound to our life. */
export function startProgram(host: Host, cwd: string, [name, ...args]: readonly [string, ...string[]]): ChildProcess {
  const signal = name === 'postgres' ? 'INT' : 'KILL';
  const [command, ...rest] = host.deathWatch.wrap(signal, [join(host.installation.bin, name), ...args]);
  const child = spawn(command, rest, {
    cwd,
    env: host.installation.environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    ...host.account,
  });
  if (child.pid !== undefined) host.deathWatch.guard(signal, child.pid, host.account);
  child.once('exit', () => child.pid !== undefined && host.deathWatch.unguard(child.pid));
  return child;
}

/** Runs a program to its end; throws with what it wrote to stderr when it fails, and the signal's reason when that ended it. */
export async function runProgram(host: Host, cwd: string, command: readonly [string, ...string[]]): Promise<void> {
  const child = startProgram(host, cwd, command);
  const release = endOnAbort(child, host.signal);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4_000);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once('error', (error) => reject(cannotRun(command[0], error)));
    child.once('close', (...status) => resolve(status));
  }).finally(release);
  host.signal?.throwIfAborted();
  if (code !== 0) throw new HearthError('ServiceUnavailable', `PostgreSQL's ${command[0]} failed (${signal ?? code}): ${stderr.trim()}`);
}

/** Asks a program to end when the signal aborts; returns how to let go of it. PostgreSQL's clean up after themselves. */
export function endOnAbort(child: ChildProcess, signal: AbortSignal | undefined): () => void {
  const end = (): void => void child.kill('SIGINT');
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end);
  return () => signal?.removeEventListener('abort', end);
}

export function cannotRun(name: string, error: Error): HearthError {
  return new HearthError(
    'ServiceUnavailable',
    `PostgreSQL's ${name} could not be run: ${error.message}. On a system without glibc (Alpine) or without the right to switch users, set DATABASE_URL to a PostgreSQL of your own.`,
    { cause: error },
  );
}
