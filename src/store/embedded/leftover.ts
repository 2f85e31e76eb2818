import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Log } from '../log.ts';
import { processStart } from '../process-identity.ts';

/** How long an old server has to end by itself, by SIGINT, then by SIGQUIT. */
const PATIENCE_MS = 10_000;
const POLL_MS = 10;
/** How long its sessions have, without it: to end by themselves, then by SIGKILL. */
const ORPHAN_PATIENCE_MS = 3_000;

/**
 * Ends a PostgreSQL that an earlier Hearth left on this data, killed perhaps a moment ago, and removes the pid file
 * of one that is gone. The caller holds the home's lock: whatever runs here has no owner any more.
 */
export async function endLeftover(dataDir: string, clock: Clock, log: Log): Promise<void> {
  const pid = readPid(join(dataDir, 'postmaster.pid'));
  if (pid === null || !runsOn(pid, dataDir)) return removeLocks(dataDir);
  log.warn({ pid }, 'ending the database that an earlier server left running');
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    signalOld(pid, signal);
    for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
      if (!runsOn(pid, dataDir)) return removeLocks(dataDir); // there still, where it was killed at this moment
      await sleep(clock, POLL_MS);
    }
  }
  throw new HearthError(
    'ServiceUnavailable',
    `A PostgreSQL (process ${pid}) that an earlier Hearth left on ${dataDir} does not end. End it with kill -9 ${pid}, then start again.`,
  );
}

/** Those of a server that is gone: PostgreSQL would take any process that has its pid now for it, as after the restart of a container, and a zombie too. */
function removeLocks(dataDir: string): void {
  for (const name of ['postmaster.pid', '.s.PGSQL.5432.lock']) rmSync(join(dataDir, name), { force: true });
}

/**
 * Ends what a PostgreSQL whose first process was killed has left in this folder: sessions notice its end when they wait, and one that computes goes on, for
 * ever maybe, while no other server can be started beside it. To be called while none runs.
 */
export async function endOrphans(dataDir: string, clock: Clock, log: Log): Promise<void> {
  const pids = orphans(dataDir);
  if (pids.length === 0) return;
  log.warn({ pids }, 'ending sessions of a database server that was killed');
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    for (const pid of orphans(dataDir)) signalOld(pid, signal);
    for (let waited = 0; waited < ORPHAN_PATIENCE_MS; waited += POLL_MS) {
      if (orphans(dataDir).length === 0) return;
      await sleep(clock, POLL_MS);
    }
  }
}

/** PostgreSQL's processes that work in this folder, as far as the system tells: Linux does. */
function orphans(dataDir: string): number[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => nameOf(pid) === 'postgres' && runsOn(pid, dataDir));
}

function nameOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return null;
  }
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

function signalOld(pid: number, signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile, or is another user's: the wait that follows finds out.
  }
}
