import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** One process as /proc tells of it. `startedAt` tells it from a later one of the same pid. */
export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly startedAt: string;
  readonly command: string;
}

/** Every process there is; those that end while we look are left out. */
function processes(): SeenProcess[] {
  return readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? (processOf(Number(entry)) ?? []) : []));
}

export function processOf(pid: number): SeenProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, state: fields[0]!, parent: Number(fields[1]), startedAt: fields[19]!, command };
  } catch {
    return null;
  }
}

/** Processor time a process has used so far, in the kernel's ticks. */
export function processorTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** A process and all below it. */
export function descendants(pid: number): SeenProcess[] {
  const all = processes();
  const found = all.filter((p) => p.parent === pid);
  for (const one of found) found.push(...all.filter((p) => p.parent === one.pid));
  return found;
}

export function stillThere(seen: readonly SeenProcess[]): SeenProcess[] {
  return seen.filter((p) => {
    const now = processOf(p.pid);
    return now !== null && now.startedAt === p.startedAt && now.state !== 'Z';
  });
}

/** The processes with just this command line. */
export function running(command: string): SeenProcess[] {
  return processes().filter((p) => p.command === command && p.state !== 'Z');
}

/** What a server of this home has left behind, in words: processes that name it, mounts, the folder of its sockets. */
export function leavings(home: string, runDirectory: string): string[] {
  const names = (text: string): boolean => text.includes(home) || text.includes(runDirectory);
  const left = processes()
    .filter((p) => p.pid !== process.pid && p.state !== 'Z' && texts(p.pid).some(names))
    .map((p) => `process ${p.pid}: ${p.command}`);
  if (readFileSync('/proc/self/mountinfo', 'utf8').split('\n').some(names)) left.push('a mount');
  if (existsSync(runDirectory) && !runDirectory.startsWith(home)) left.push(`${runDirectory}: ${readdirSync(runDirectory).join(', ')}`);
  return left;
}

function texts(pid: number): string[] {
  const read = [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`, `/proc/${pid}/mountinfo`].map((path) =>
    attempt(() => readFileSync(path, 'latin1')),
  );
  return [...read, attempt(() => readlinkSync(`/proc/${pid}/cwd`))];
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** The cgroups (version 2) that a server has made: its own, and those of its instances. */
export function cgroupsOf(pid: number): string[] {
  const mount = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(' - cgroup2 '))
    ?.split(' ')[4];
  const below = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((e) =>
      e.isDirectory() ? [join(folder, e.name), ...below(join(folder, e.name))] : [],
    );
  return mount === undefined ? [] : below(mount).filter((folder) => folder.includes(`/hearth-${pid}-`));
}
