import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { childrenOf } from '../../supervisor/process-tree.ts';

const PAGE_BYTES = 4096;

/** A process and its descendants, itself first; without those that can't be told for want of descriptors. Linux only. */
export function family(pid: number): number[] {
  const found = [pid];
  try {
    for (const member of found) found.push(...childrenOf(member));
  } catch {
    // whoever asks goes on with what is known: it is asked from timers, for thousands
  }
  return found;
}

/**
 * Whether a process, with all its pages, and its descendants, each with what it has for itself, hold more than so many bytes. First by a figure that is quick to
 * read and counts what descendants share with each other more than once; only what seems too much is looked at exactly, which takes the kernel a millisecond each.
 */
export function holdsMoreThan(pid: number, bytes: number): boolean {
  const [, ...others] = family(pid);
  const own = pages(pid)?.resident ?? 0;
  const quick = others.reduce((sum, other) => sum + anonymous(pages(other)), own);
  if (quick <= bytes || others.length === 0) return quick > bytes;
  return others.reduce((sum, other) => sum + privateBytes(other), own) > bytes;
}

interface Pages {
  /** Bytes. */
  readonly resident: number;
  readonly shared: number;
}

function pages(pid: number): Pages | null {
  try {
    const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ').map(Number);
    return { resident: resident * PAGE_BYTES, shared: shared * PAGE_BYTES };
  } catch {
    return null;
  }
}

/** Pages of a process that are in no file; null when it is gone. */
export function anonymousBytes(pid: number): number | null {
  const found = pages(pid);
  return found === null ? null : anonymous(found);
}

function anonymous(of: Pages | null): number {
  return of === null ? 0 : of.resident - of.shared;
}

function privateBytes(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    return [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].reduce((sum, [, kB]) => sum + Number(kB) * 1024, 0);
  } catch {
    return 0; // gone, or not ours to look into
  }
}

/** Linux tells processor time in hundredths of a second. */
const TICK_MS = 10;

/** Processor time that a process and its descendants have used, those included that they have reaped, milliseconds; null when it is gone. */
export function cpuMsOfFamily(pid: number): number | null {
  const [own, ...others] = family(pid).map(cpuMs);
  if (own === undefined || own === null) return null;
  return others.reduce<number>((sum, ms) => sum + (ms ?? 0), own);
}

function cpuMs(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // utime, stime, cutime, cstime; what is before them may hold anything up to the last bracket.
    const ticks = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15);
    return ticks.reduce((sum, each) => sum + Number(each), 0) * TICK_MS;
  } catch {
    return null;
  }
}

/** Who asks for the memory of all of thousands of instances must not open all of their files at once. */
const MOST_LOOKS = 16;
let looks = 0;
const waiting: (() => void)[] = [];

/** The same of a process and its descendants. */
export async function memoryOfFamily(pid: number): Promise<number | null> {
  if (looks < MOST_LOOKS) looks++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    const [own, ...others] = await Promise.all(family(pid).map(memoryOf));
    if (own === undefined || own === null) return null;
    return others.reduce<number>((sum, bytes) => sum + (bytes ?? 0), own);
  } finally {
    const next = waiting.shift();
    if (next === undefined) looks--;
    else next(); // in this one's place
  }
}

/** Private and proportional memory of a process, bytes; null when it is gone or can't be looked into. */
export async function memoryOf(pid: number): Promise<number | null> {
  try {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1');
    const pss = /^Pss:\s+(\d+) kB/m.exec(rollup);
    if (pss !== null) return Number(pss[1]) * 1024;
  } catch {
    // not ours to look into, or gone: then the next fails too
  }
  try {
    const [, resident, shared] = (await readFile(`/proc/${pid}/statm`, 'latin1')).split(' ').map(Number);
    return (resident! - shared!) * PAGE_BYTES;
  } catch {
    return null;
  }
}
