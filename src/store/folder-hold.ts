import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type koffi from 'koffi';

const LOCK_EX = 2;
const LOCK_NB = 4;

/** A folder that is held by this process, until it lets go or ends, however it ends. */
export interface FolderHold {
  release(): void;
}

/**
 * Holds a folder by flock(2): the kernel tells of it in every container that has the folder, where pids say nothing. Null while another process holds it.
 * Where the system or its file system knows no such lock the hold is granted, and keeps nobody out.
 */
export function holdFolder(folder: string): FolderHold | null {
  const tryLock = loadFlock();
  if (tryLock === null) return { release: () => {} };
  const fd = openSync(folder, 'r'); // closed in whatever we start, so that no child goes on holding it
  if (tryLock(fd) === 'taken') {
    closeSync(fd);
    return null;
  }
  let open = true;
  return {
    release() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

function loadFlock(): ((fd: number) => 'ours' | 'taken') | null {
  try {
    const { load, errno } = createRequire(import.meta.url)('koffi') as typeof koffi;
    const flock = load(null).func('int flock(int, int)') as (fd: number, operation: number) => number;
    return (fd) => (flock(fd, LOCK_EX | LOCK_NB) !== 0 && errno() === constants.errno.EWOULDBLOCK ? 'taken' : 'ours');
  } catch {
    return null;
  }
}
