import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Log } from '../log.ts';
import { processStart } from '../process-identity.ts';

/** How long an old server has to end by itself, by SIGINT, then by SIGQUIT. */
const PATIENCE_MS = 10_000;
const POLL_MS = 10;

/**
 * Ends a PostgreSQL that an earlier Hearth left on this data, killed perhaps a moment ago, and removes the pid file
 * of one that is gone. The caller holds the home's lock: whatever runs here has no owner any more.
 */
export async function endLeftover(dataDir: string, clock: Clock, log: Log): Promise<void> {
  const file = join(dataDir, 'postmaster.pid');
  const pid = readPid(file);
  if (pid === null) return;
  if (!runsOn(pid, dataDir)) {
    // PostgreSQL would take any process that has this pid now for its own, as after the restart of a container.
    rmSync(file, { force: true });
    return;
  }
  log.warn({ pid }, 'ending the database that an earlier server left running');
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    signalOld(pid, signal);
    for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
      if (!runsOn(pid, dataDir)) return;
      await sleep(clock, POLL_MS);
    }
  }
  throw new HearthError(
    'ServiceUnavailable',
    `A PostgreSQL (process ${pid}) that an earlier Hearth left on ${dataDir} does not end. End it with kill -9 ${pid}, then start again.`,
  );
}

function readPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

/** Whether the process is a PostgreSQL that works in this folder; a zombie is not. */
function runsOn(pid: number, dataDir: string): boolean {
  if (processStart(pid) === null) return false;
  if (process.platform !== 'linux') return true; // no way to see: PostgreSQL will judge
  try {
    const [theirs, ours] = [statSync(`/proc/${pid}/cwd`), statSync(dataDir)];
    return theirs.dev === ours.dev && theirs.ino === ours.ino;
  } catch {
    return false;
  }
}

function signalOld(pid: number, signal: 'SIGINT' | 'SIGQUIT'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile, or is another user's: the wait that follows finds out.
  }
}
