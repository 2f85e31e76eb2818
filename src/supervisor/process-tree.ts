import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';

/** A process by more than its pid, which the kernel uses again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot; UNKNOWN_START where no descriptor was left to read it with: whoever has the pid. */
  readonly startTime: string;
}

export const UNKNOWN_START = '';

/**
 * What /proc says of a process; null when there is none. `gone` also for one that has ended and waits to be reaped, but not while any of its
 * threads still ends: until the last one has, its children are not handed on.
 */
export function lookUp(pid: number): { identity: ProcessIdentity; parent: number; gone: boolean } | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The second field is the program's name in brackets and may hold anything, brackets too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0]!;
  return {
    identity: { pid, startTime: fields[19]! },
    parent: Number(fields[1]),
    gone: state === 'X' || (state === 'Z' && Number(fields[17]) <= 1),
  };
}

/** Whether there is such a process, ended or not; needs no descriptor. */
export function exists(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** Whether the very process is still there and has not ended. */
export function alive(identity: ProcessIdentity): boolean {
  const found = lookUp(identity.pid);
  const same = identity.startTime === UNKNOWN_START || found?.identity.startTime === identity.startTime;
  return found !== null && !found.gone && same;
}

/**
 * The pids of the children of a process, those of all its threads, ended ones that wait to be reaped included. Throws the system's error (`EMFILE`,
 * `ENFILE`, `ENOMEM`) where it can't be told, which is not the same as none.
 */
export function childrenOf(pid: number): number[] {
  const children: number[] = [];
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    if (isGone(error)) return []; // it ended: it has no children any more
    throw error;
  }
  for (const thread of threads) {
    try {
      children.push(...numbersIn(readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')));
    } catch {
      // A thread that ended while we looked has handed its children to another one, which may have been looked at before; and without
      // this file there is only the long way too.
      return childrenByParent(pid);
    }
  }
  return children;
}

/**
 * The same of this process, by its main thread alone: that is the one that starts others here, and the one the kernel gives orphans to (find_new_reaper
 * takes a reaper's first living thread). A tenth of the work, for every instance that ends.
 */
export function ownChildren(): number[] {
  try {
    return numbersIn(readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1'));
  } catch (error) {
    if (isGone(error)) return childrenByParent(process.pid); // a kernel without this file
    throw error;
  }
}

function numbersIn(list: string): number[] {
  return list.split(' ').filter(Boolean).map(Number);
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ESRCH';
}

/** The same from every process there is: slower, and right also while threads and siblings end, which makes the short way miss some. */
export function childrenByParent(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => lookUp(pid)?.parent === parent);
}

/** Sends a signal; false when there is no such process. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** The children of a process as far as they can be told: whom it leaves unseen loses its parent, and is found as an orphan. */
function known(pid: number): number[] {
  try {
    return childrenOf(pid);
  } catch {
    return [];
  }
}

/**
 * The process and all that descend from it, each stopped when it is found so that it can't start another behind our back;
 * `spare` are left out, and what descends from them. Repeats until a round finds nothing new.
 */
function stopTree(roots: readonly number[], spare: (pid: number) => boolean): ProcessIdentity[] {
  const found = new Map<number, ProcessIdentity>();
  const take = (pid: number): void => {
    const seen = found.has(pid) ? null : lookUp(pid);
    if (seen === null || seen.gone) return;
    signal(pid, 'SIGSTOP');
    found.set(pid, seen.identity);
  };
  for (const root of roots) take(root);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const pid of found.keys()) {
      for (const child of known(pid)) if (!spare(child)) take(child);
    }
  }
  return [...found.values()];
}

/** Kills the trees under `roots` and waits until nothing of them is left, at most `patienceMs`. Returns what would not go. */
export async function killTree(
  clock: Clock,
  roots: readonly number[],
  { spare = () => false, patienceMs = 10_000 }: { spare?: (pid: number) => boolean; patienceMs?: number } = {},
): Promise<ProcessIdentity[]> {
  let left = stopTree(roots, spare);
  for (const { pid } of left) signal(pid, 'SIGKILL');
  const until = clock.monotonic() + patienceMs;
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 50)) {
    left = left.filter(alive);
    if (left.length === 0 || clock.monotonic() >= until) return left;
    await new Promise<void>((resolve) => clock.after(waitMs, resolve));
  }
}
