// A folder as a lock, with its holder's pid inside: made whole by a rename, so it never exists without the pid.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_AGAIN_MS = 200;

/** Waits for the lock; `onWait` hears once who holds it. One whose holder is gone is taken over. */
export async function lock(path, onWait) {
  let told = false;
  while (!take(path)) {
    const holder = holderOf(path);
    if (holder === null) continue; // it was released this moment
    if (!isAlive(holder)) {
      evict(path, holder);
      continue;
    }
    if (!told) onWait(holder);
    told = true;
    await sleep(LOOK_AGAIN_MS);
  }
  return { release: () => rmSync(path, { recursive: true, force: true }) };
}

function take(path) {
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  writeFileSync(join(draft, 'pid'), String(process.pid));
  try {
    renameSync(draft, path); // onto a folder that is not empty, it fails
    return true;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST' || error.code === 'EPERM') return false;
    throw error;
  }
}

/** Moved aside first and looked at again: another may have evicted it too, and taken the lock since. */
function evict(path, dead) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (holderOf(aside) === dead) return rmSync(aside, { recursive: true, force: true });
  try {
    renameSync(aside, path);
  } catch {
    rmSync(aside, { recursive: true, force: true });
  }
}

function holderOf(path) {
  try {
    return Number(readFileSync(join(path, 'pid'), 'utf8'));
  } catch {
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
