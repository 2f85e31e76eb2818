import { spawn } from 'node:child_process';
import type { Clock } from '../lib/clock.ts';

/** Output kept of a tool; npm's and pip's reasons come last. */
const KEPT_BYTES = 64 * 1024;

export interface ToolRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Ends the tool and all it started, with its group. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** The user and group to run as; null: the server's own. */
  readonly uid: number | null;
}

export interface ToolEnd {
  readonly outcome: 'ok' | 'failed' | 'timeout' | 'aborted';
  /** The last 64 kB of stdout and stderr as they came. */
  readonly output: string;
}

/** Runs a program to its end in a process group of its own. Never rejects: what could not be started has `failed`. */
export function runTool(run: ToolRun, clock: Clock): Promise<ToolEnd> {
  return new Promise((resolve) => {
    const user = run.uid === null ? {} : { uid: run.uid, gid: run.uid };
    const child = spawn(run.command, run.args, { cwd: run.cwd, env: run.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...user });
    let output = Buffer.alloc(0);
    let outcome: ToolEnd['outcome'] | null = null;
    const keep = (chunk: Buffer): void => {
      output = Buffer.concat([output, chunk]).subarray(-KEPT_BYTES);
    };
    const end = (why: 'timeout' | 'aborted'): void => {
      outcome ??= why;
      killGroup(child.pid);
    };
    const abort = (): void => end('aborted');
    const timer = clock.after(run.timeoutMs, () => end('timeout'));
    const finish = (last: ToolEnd['outcome']): void => {
      timer.cancel();
      run.signal.removeEventListener('abort', abort);
      killGroup(child.pid); // whatever it left running
      resolve({ outcome: outcome ?? last, output: output.toString('utf8').trim() });
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => {
      keep(Buffer.from(error.message));
      if (child.pid === undefined) finish('failed');
    });
    // A straggler may hold the pipes open: when the tool itself has ended, end the group, and the pipes close.
    child.on('exit', () => killGroup(child.pid));
    child.on('close', (code) => finish(code === 0 ? 'ok' : 'failed'));
    if (run.signal.aborted) abort();
    else run.signal.addEventListener('abort', abort, { once: true });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // gone already
  }
}
