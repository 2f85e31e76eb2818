// Runs a program that is not ours for as long as its parent lives: `main.js FOLDER silent|announces PROGRAM ARGUMENTS`. Asked to stop, it
// ends the program and all that started. Cut off from its parent, which then was killed, it removes FOLDER, too, which the parent no longer
// can. A program that announces gets descriptor 4 as its 3.
import { spawn } from 'node:child_process';
import { closeSync, rmSync } from 'node:fs';

/** After SIGTERM, before SIGKILL to the whole group. */
const GRACE_MS = 15_000;
const REAP_MS = 1_000;

/** What it says to its parent. */
export type LeashSaid = { readonly pid: number } | { readonly error: string };

const [folder, voice, program, ...args] = process.argv.slice(2);
if (folder === undefined || program === undefined) throw new Error('no program given');
const announces = voice === 'announces';
let orphaned = false;
// A group of its own, so that all of it can be killed, and a Ctrl-C meant for the benchmark reaches it in order.
const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit', ...(announces ? [4] : [])] });
if (announces) closeSync(4); // the program's end of the pipe is the only one: it is read to its end
child.once('error', (error) => process.send?.({ error: error.message } satisfies LeashSaid, () => process.exit(1)));
child.once('spawn', () => process.send?.({ pid: child.pid as number } satisfies LeashSaid));
child.once('exit', (code) => {
  void groupGone().then(() => {
    if (orphaned) rmSync(folder, { recursive: true, force: true });
    process.exit(code ?? 1);
  });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('message', end);
process.once('disconnect', () => {
  orphaned = true;
  end();
});

function end(): void {
  child.kill('SIGTERM');
  setTimeout(killGroup, GRACE_MS);
}

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
