import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HearthError } from '../errors.ts';
import { holdFolder } from './folder-hold.ts';
import { processStart } from './process-identity.ts';

/** Held until it is released, or until the process that holds it is gone. */
export interface HomeLock {
  release(): void;
}

interface Holder {
  readonly pid: number;
  readonly start: string;
}

/**
 * Keeps a second server out of a HEARTH_HOME: a lock of the kernel's, and a file that names its holder by pid and start time, so that one
 * left by a killed server is recognised. In another container that pid is nobody's, or another's: there the kernel's lock alone tells of the server.
 * Throws ResourceConflictException naming the holder.
 */
export function lockHome(home: string, pid: number = process.pid): HomeLock {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = join(home, 'hearth.lock');
  const hold = holdFolder(home);
  if (hold === null) {
    refuseLiving(read(file) ?? '', home);
    throw taken(home, null);
  }
  try {
    const lock = lockFile(file, home, pid);
    return {
      release() {
        lock.release();
        hold.release();
      },
    };
  } catch (error) {
    hold.release();
    throw error;
  }
}

function lockFile(file: string, home: string, pid: number): HomeLock {
  const draft = `${file}.${pid}`;
  const own = JSON.stringify({ pid, start: processStart(pid) ?? '' });
  try {
    writeFileSync(draft, own, { mode: 0o600 });
    // A link either is made or is refused: the file never exists half written.
    while (!linked(draft, file)) evictDead(file, home, pid);
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    release() {
      if (read(file) === own) rmSync(file, { force: true });
    },
  };
}

function linked(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a server that is gone; throws when it lives. */
function evictDead(file: string, home: string, pid: number): void {
  const seen = read(file);
  if (seen === null) return;
  refuseLiving(seen, home);
  // Someone else may be doing the same. Moved aside first, then looked at again: what is moved is what is judged.
  const aside = `${file}.stale.${pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = read(aside);
  if (moved !== seen && moved !== null) {
    linked(aside, file);
    rmSync(aside, { force: true });
    refuseLiving(moved, home);
  }
  rmSync(aside, { force: true });
}

function refuseLiving(text: string, home: string): void {
  const holder = parse(text);
  if (holder === null || processStart(holder.pid) !== holder.start) return;
  throw taken(home, holder.pid);
}

/** `pid`: null where it can't be told: it is just starting, or runs in another container. */
function taken(home: string, pid: number | null): HearthError {
  const who = pid === null ? 'Another Hearth, maybe in another container,' : `Another Hearth (process ${pid})`;
  const message = `${who} already runs on ${home}. Stop it, or give this one a home of its own with HEARTH_HOME.`;
  return new HearthError('ResourceConflictException', message, { details: { pid } });
}

function parse(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('start' in value)) return null;
    return typeof value.pid === 'number' && typeof value.start === 'string' ? { pid: value.pid, start: value.start } : null;
  } catch {
    return null;
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
