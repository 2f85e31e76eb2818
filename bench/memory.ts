import { readFile } from 'node:fs/promises';
import { mean } from './stats.ts';

/** What the kernel says could be used without swapping, in MB (10^6 bytes); null where it does not say. */
export async function availableMb(): Promise<number | null> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  return mb(text, 'MemAvailable');
}

/** All the memory of the machine, MB; null where the kernel does not say. */
export async function totalMb(): Promise<number | null> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  return mb(text, 'MemTotal');
}

/** What a process has for itself, MB: its share of all (PSS), and the pages that nobody else has. */
export interface Footprint {
  readonly pssMb: number;
  readonly privateMb: number;
}

/** A process's footprint. Null when it has gone. */
async function footprint(pid: number): Promise<Footprint | null> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const pssMb = mb(text, 'Pss');
  return pssMb === null ? null : { pssMb, privateMb: (mb(text, 'Private_Clean') ?? 0) + (mb(text, 'Private_Dirty') ?? 0) };
}

/** The mean over `count` of the processes, taken evenly from the list; null when none can be read. */
export async function meanFootprint(pids: readonly number[], count: number): Promise<Footprint | null> {
  const all = (await Promise.all(evenly(pids, count).map(footprint))).filter((f) => f !== null);
  if (all.length === 0) return null;
  return { pssMb: mean(all.map((f) => f.pssMb)), privateMb: mean(all.map((f) => f.privateMb)) };
}

/** The proportional set sizes of processes together, MB: what all of them take, what they share counted once. */
export async function sumPssMb(pids: readonly number[]): Promise<number> {
  const all = await Promise.all(pids.map(footprint));
  return all.reduce((sum, f) => sum + (f?.pssMb ?? 0), 0);
}

/** The mean proportional set size of `count` of the processes, MB: private pages and the share of those that are shared. */
export async function meanPssMb(pids: readonly number[], count: number): Promise<number | null> {
  return (await meanFootprint(pids, count))?.pssMb ?? null;
}

function evenly(pids: readonly number[], count: number): number[] {
  const step = Math.max(1, pids.length / count);
  return Array.from({ length: Math.min(count, pids.length) }, (_, i) => pids[Math.floor(i * step)] as number);
}

/** One line of what the kernel says in kB, in MB of 10^6 bytes. */
function mb(text: string, name: string): number | null {
  const kb = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return kb === undefined ? null : (Number(kb) * 1024) / 1e6;
}
