import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf } from './hooks.ts';

/** Folders of servers are called so, with their process's id. */
export const PREFIX = 'hearth-';
/** The server that a folder is of. */
const MADE_BY = /^hearth-(\d+)-\d+$/;
/** Cgroups that are made for one instance until one has an address that no other has. */
const MOST_ATTEMPTS = 8;

/** The folder of the cgroup that this process is in. */
export function ownFolder(): string {
  const mount = / - cgroup2 /;
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((l) => mount.test(l));
  const mountPoint = line?.split(' ')[4];
  const path = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (mountPoint === undefined || path === undefined) throw new Error('no cgroup file system of version 2 is mounted');
  if (path.startsWith('/..')) throw new Error('the cgroup of the server is outside of what is mounted');
  return join(mountPoint, path);
}

export function makeThreaded(folder: string): void {
  writeFileSync(join(folder, 'cgroup.type'), 'threaded');
}

/**
 * Makes an instance's cgroup, which can move threads, and answers its address. The address is but the end of the cgroup's id, so that of two that are there at
 * once both may have the same; one that is `taken` is made anew, and has the next id then. Throws with the system's error, or when all were taken.
 */
export function makeApart(folder: string, taken: (address: Buffer) => boolean): Buffer {
  for (let left = MOST_ATTEMPTS; left > 0; left--) {
    mkdirSync(folder);
    const address = addressOf(statSync(folder, { bigint: true }).ino);
    if (taken(address)) {
      rmdirSync(folder);
      continue;
    }
    makeThreaded(folder);
    return address;
  }
  throw new Error(`${MOST_ATTEMPTS} cgroups in turn had the address of another instance`);
}

/** Removes what servers that were killed have left beside us. */
export function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = MADE_BY.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeTree(join(parent, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

export function removeTree(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) remove(join(folder, entry.name));
  } catch {
    return; // it is gone
  }
  remove(folder);
}

/** Whether it is gone; it stays while there is a process in it. */
export function remove(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
