import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { builtFile } from '../paths.ts';
import type { LeashSaid } from './main.ts';

export interface ProgramOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Its own: its output goes to a file there, and the folder goes, too, when this process is killed. */
  readonly folder: string;
  /** Give it descriptor 3 to say something on, read from `announcements`. */
  readonly announce?: boolean;
}

/** A program that runs for as long as this process lives, and no longer. */
export interface Program {
  readonly pid: number;
  readonly announcements: Readable | null;
  /** False once it ended by itself. */
  isRunning(): boolean;
  /** The last lines it printed, for an error message. */
  lastWords(): string;
  /** Resolves when it and all it started are gone. */
  stop(): Promise<void>;
}

/** Starts a program on a leash. Rejects when it can't be executed. */
export async function startProgram({ command, cwd, env, folder, announce = false }: ProgramOptions): Promise<Program> {
  const logPath = join(folder, 'program.log');
  const log = openSync(logPath, 'a');
  const leash = fork(builtFile('./leash/main.js'), [folder, announce ? 'announces' : 'silent', ...command], {
    cwd,
    env,
    stdio: ['ignore', log, log, 'ipc', ...(announce ? ['pipe' as const] : [])],
  });
  closeSync(log);
  const ended = once(leash, 'exit');
  const pid = await programPid(leash);
  return {
    pid,
    announcements: announce ? (leash.stdio[4] as Readable) : null,
    isRunning: () => leash.exitCode === null && leash.signalCode === null,
    lastWords: () => readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-5).join('\n'),
    stop: async () => {
      if (leash.connected) leash.send('stop');
      await ended;
    },
  };
}

function programPid(leash: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    leash.once('error', reject);
    leash.once('exit', (code) => reject(new Error(`it ended at once, with exit code ${code}`)));
    leash.once('message', (said: LeashSaid) => ('pid' in said ? resolve(said.pid) : reject(new Error(said.error))));
  });
}
