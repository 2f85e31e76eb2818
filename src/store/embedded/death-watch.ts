import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Account } from './account.ts';

type Command = readonly [string, ...string[]];
/** Where programs are looked for. */
export const PROGRAM_PATH = '/usr/local/bin:/usr/bin:/bin';

type SignalName = 'INT' | 'KILL';

/** Sees to it that a child gets a signal when this process dies, kill -9 included. */
export interface DeathWatch {
  readonly mechanism: 'setpriv' | 'watchdog';
  /** The command to run instead of the given one. */
  wrap(signal: SignalName, command: Command): Command;
  /** To be called when the child runs. */
  guard(signal: SignalName, pid: number, account: Account | null): void;
  /** To be called when the child has ended by itself. */
  unguard(pid: number): void;
}

/**
 * The kernel does it, asked by util-linux's `setpriv`: the signal comes when the thread that started the child
 * ends, so start it from the main thread. Where that is missing (macOS, BusyBox), a shell that waits for our end
 * of a pipe to close.
 */
export async function chooseDeathWatch(setpriv = 'setpriv'): Promise<DeathWatch> {
  const works = process.platform === 'linux' && (await succeeds(setpriv, ['--pdeathsig', 'INT', 'true']));
  return works ? kernelWatch(setpriv) : watchdog();
}

function kernelWatch(setpriv: string): DeathWatch {
  return {
    mechanism: 'setpriv',
    wrap: (signal, command) => [setpriv, '--pdeathsig', signal, ...command],
    guard: () => {},
    unguard: () => {},
  };
}

function watchdog(): DeathWatch {
  const dogs = new Map<number, ChildProcess>();
  return {
    mechanism: 'watchdog',
    wrap: (_signal, command) => command,
    guard(signal, pid, account) {
      const dog = spawn('/bin/sh', ['-c', 'read -r _; kill -"$1" "$2" 2>/dev/null', 'hearth-watchdog', signal, String(pid)], {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
        cwd: '/',
        env: {},
        ...account,
      });
      dog.on('error', () => dogs.delete(pid));
      dog.stdin.on('error', () => {});
      dog.unref();
      (dog.stdin as unknown as { unref(): void }).unref();
      dogs.set(pid, dog);
    },
    unguard(pid) {
      // Killed, not let go: at the end of its pipe it would signal a pid that may be another's by now.
      dogs.get(pid)?.kill('SIGKILL');
      dogs.delete(pid);
    },
  };
}

function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    // Looked for where it will be: the programs get a clean environment.
    execFile(command, args, { env: { PATH: PROGRAM_PATH } }, (error) => resolve(error === null));
  });
}
