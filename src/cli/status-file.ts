import { readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Which server runs on a home; written by `hearth up` once it answers, removed when it has ended. */
export interface StatusFile {
  readonly pid: number;
  readonly endpoint: string;
  readonly startedAtMs: number;
  /** It was told to end and takes no connection any more; so long it waits for what runs. Absent: it serves. */
  readonly endsWithinMs?: number;
}

/** Where a home says which server runs on it. */
export function pathIn(home: string): string {
  return join(home, 'server.json');
}

/** What the file says, or null when there is none, or none of ours. Its process may be gone: see `isAlive`. */
export async function readStatusFile(home: string): Promise<StatusFile | null> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(pathIn(home), 'utf8'));
  } catch {
    return null;
  }
  const { pid, endpoint, startedAtMs, endsWithinMs } = (value ?? {}) as Partial<StatusFile>;
  if (!Number.isSafeInteger(pid) || (pid as number) <= 1 || typeof endpoint !== 'string' || !URL.canParse(endpoint)) return null;
  const ends = Number.isFinite(endsWithinMs) ? { endsWithinMs: endsWithinMs as number } : {};
  return { pid: pid as number, endpoint, startedAtMs: Number(startedAtMs), ...ends };
}

/** Whole or not at all: a reader never sees half of it. */
export async function writeStatusFile(home: string, status: StatusFile): Promise<void> {
  await mkdir(home, { recursive: true });
  const path = pathIn(home);
  const temporary = `${path}.${status.pid}`;
  try {
    await writeFile(temporary, `${JSON.stringify(status)}\n`, { mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Removes the file when it still is of process `pid`. */
export async function removeStatusFile(home: string, pid: number): Promise<void> {
  const there = await readStatusFile(home);
  if (there?.pid === pid) await rm(pathIn(home), { force: true });
}

/** Whether a process of this id runs; it may be anybody's. One that has ended and was reaped by nobody, as in a container without an init, does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.startsWith('Z', stat.lastIndexOf(')') + 2);
  } catch {
    return false; // hidden from us, or gone this moment
  }
}
