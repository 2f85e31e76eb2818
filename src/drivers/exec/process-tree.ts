import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** A process and all that descend from it, parents first. */
export function processTree(pid: number): number[] {
  const found = [pid];
  for (const parent of found) {
    for (const task of tasks(parent)) {
      for (const child of read(`/proc/${parent}/task/${task}/children`).split(' ')) if (child.trim() !== '') found.push(Number(child));
    }
  }
  return found;
}

/** Signals a whole tree, until a look at it finds nobody new. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  const done = new Set<number>();
  for (let fresh = [pid]; fresh.length > 0; fresh = processTree(pid).filter((p) => !done.has(p))) {
    for (const one of fresh) {
      done.add(one);
      try {
        process.kill(one, signal);
      } catch {
        // ended meanwhile
      }
    }
  }
}

/** The most memory that the tree's living processes ever held, bytes. */
export function peakMemoryBytes(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + kilobytes(read(`/proc/${one}/status`), 'VmHWM') * 1024, 0);
}

/** Private and proportional memory of the tree, bytes; null when it is gone. */
export async function proportionalBytes(pid: number): Promise<number | null> {
  const rollups = await Promise.all(processTree(pid).map((one) => readFile(`/proc/${one}/smaps_rollup`, 'latin1').catch(() => '')));
  if (rollups[0] === '') return null;
  return rollups.reduce((sum, text) => sum + kilobytes(text, 'Pss') * 1024, 0);
}

function kilobytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

function tasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
