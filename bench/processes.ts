import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Ticks of a CPU's time a second, as /proc counts: 100 on every Linux. */
const TICKS = 100;
const STAT_PARENT = 1;
const STAT_USER = 11;
const STAT_SYSTEM = 12;

/** The fields of /proc/PID/stat behind the name, which may contain anything; null when the process has gone. */
async function stat(pid: number): Promise<string[] | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** CPU time that processes have used, seconds, all of them together. Those that have gone count nothing. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map(stat));
  return stats.reduce((sum, fields) => sum + (fields === null ? 0 : Number(fields[STAT_USER]) + Number(fields[STAT_SYSTEM])), 0) / TICKS;
}

/** How much of one core processes use together while `seconds` pass, percent. */
export async function cpuPercent(pids: readonly number[], seconds: number): Promise<number> {
  const before = await cpuSeconds(pids);
  const startedMs = performance.now();
  await sleep(seconds * 1000);
  return ((await cpuSeconds(pids)) - before) / ((performance.now() - startedMs) / 1000) / 0.01;
}

/** A process and all that descend from it, itself first. */
export async function familyOf(root: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const children = new Map<number, number[]>();
  for (const [i, fields] of (await Promise.all(pids.map(stat))).entries()) {
    if (fields === null) continue;
    const parent = Number(fields[STAT_PARENT]);
    children.set(parent, [...(children.get(parent) ?? []), pids[i] as number]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** The name of the program that a process runs; '' when it has gone. */
export async function programOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
}

/** How many descriptors a process has open; 0 when it can't be looked into. */
export async function descriptors(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length;
}

/** Resident memory of a process, MB (10^6 bytes); 0 when it has gone. */
export async function residentMb(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024) / 1e6;
}

/** Whether a process has a handler for a signal: else it would end by it. */
export async function catches(pid: number, signal: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const mask = /^SigCgt:\s+([0-9a-f]+)/m.exec(text)?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}
