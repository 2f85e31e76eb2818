import { readFileSync } from 'node:fs';
import { family } from '../fork/process-figures.ts';
import { signal } from '../../supervisor/process-tree.ts';

/** Signals a whole tree, until a look at it finds nobody new. */
export function signalTree(pid: number, name: NodeJS.Signals): void {
  const done = new Set<number>();
  for (let fresh = [pid]; fresh.length > 0; fresh = family(pid).filter((p) => !done.has(p))) {
    for (const one of fresh) {
      done.add(one);
      signal(one, name);
    }
  }
}

/** The most memory that the tree's living processes ever held, bytes. */
export function peakMemoryBytes(pid: number): number {
  return family(pid).reduce((sum, one) => sum + kilobytes(read(`/proc/${one}/status`), 'VmHWM') * 1024, 0);
}

function kilobytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
