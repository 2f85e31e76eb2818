import { readFile } from 'node:fs/promises';
import { childrenOf } from '../../supervisor/process-tree.ts';

const PAGE_BYTES = 4096;

/** A process and its descendants, itself first. Linux only. */
export function family(pid: number): number[] {
  const found = [pid];
  for (const member of found) found.push(...childrenOf(member));
  return found;
}

/** The same of a process and its descendants. */
export async function memoryOfFamily(pid: number): Promise<number | null> {
  const [own, ...others] = await Promise.all(family(pid).map(memoryOf));
  if (own === undefined || own === null) return null;
  return others.reduce<number>((sum, bytes) => sum + (bytes ?? 0), own);
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
