// Runs a program that is not ours for as long as its parent lives: `main.js [--announce] PROGRAM ARGUMENTS`. When the parent
// disconnects, asks or is killed, the program and all it started go. With --announce, descriptor 4 is passed on as the program's 3.
import { spawn } from 'node:child_process';

/** After SIGTERM, before SIGKILL to the whole group. */
const GRACE_MS = 15_000;
const REAP_MS = 1_000;

/** What it says to its parent. */
export type LeashSaid = { readonly pid: number } | { readonly error: string };

const announces = process.argv[2] === '--announce';
const [program, ...args] = process.argv.slice(announces ? 3 : 2);
if (program === undefined) throw new Error('no program given');
// A group of its own, so that all of it can be killed, and a Ctrl-C meant for the benchmark reaches it in order.
const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit', ...(announces ? [4] : [])] });
child.once('error', (error) => process.send?.({ error: error.message } satisfies LeashSaid, () => process.exit(1)));
child.once('spawn', () => process.send?.({ pid: child.pid as number } satisfies LeashSaid));
child.once('exit', (code) => {
  void groupGone().then(() => process.exit(code ?? 1));
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('disconnect', () => {
  child.kill('SIGTERM');
  setTimeout(killGroup, GRACE_MS);
});

/** What the program left behind goes too. Its end is awaited, but not for ever: what waits for an init that reaps nothing is dead. */
async function groupGone(): Promise<void> {
  for (let waitedMs = 0; killGroup() && waitedMs < REAP_MS; waitedMs += 20) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Whether there was anybody to kill. */
function killGroup(): boolean {
  try {
    return child.pid !== undefined && process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
