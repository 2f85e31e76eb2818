import { readFile } from 'node:fs/promises';
import { mean } from './stats.ts';

/** What the kernel says could be used without swapping, in MB (10^6 bytes); null where it does not say. */
export async function availableMb(): Promise<number | null> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kb = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return kb === undefined ? null : (Number(kb) * 1024) / 1e6;
}

/** A process's proportional set size in MB: its private pages and its share of those it shares. Null when it has gone. */
export async function pssMb(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const kb = /^Pss:\s+(\d+) kB/m.exec(text)?.[1];
  return kb === undefined ? null : (Number(kb) * 1024) / 1e6;
}

/** The mean over `count` of the processes, taken evenly from the list; null when none can be read. */
export async function meanPssMb(pids: readonly number[], count: number): Promise<number | null> {
  const step = Math.max(1, pids.length / count);
  const chosen = Array.from({ length: Math.min(count, pids.length) }, (_, i) => pids[Math.floor(i * step)] as number);
  const sizes = (await Promise.all(chosen.map(pssMb))).filter((size) => size !== null);
  return sizes.length === 0 ? null : mean(sizes);
}
