import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { ConfineStep } from '../runtimes/protocol.ts';

// Numbers of setrlimit(2), the same on x86-64 and arm64.
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;
const RLIMIT_MEMLOCK = 8;

const LOCKED_BYTES = 65_536;
const CORE_BYTES = 10 * 1024 ** 3;

/** As many processes and threads as Lambda allows. */
const MOST_PROCESSES = 742;

/** Since Linux 5.14 a user's processes are counted apart in each user namespace. */
export function countsApart(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}

/**
 * For a process that makes a user namespace of its own. RLIMIT_NPROC counts all of a user's processes: without such a namespace, or on an older kernel,
 * one instance's would be charged to every other of its function, so there is no limit there.
 */
export const PROCESSES: { readonly processes?: number } = countsApart(release())
  ? { processes: atMost(MOST_PROCESSES, 'Max processes') }
  : {};

/**
 * As many open files and as much locked memory as Lambda allows, and core files where a function has a user of its own, who can't write where its code
 * lies: there they are allowed as on Lambda, without what would be a caller's data. Elsewhere there are none.
 */
export function rlimits(ownUser: boolean): ConfineStep[] {
  const bytes = ownUser ? Math.min(CORE_BYTES, mostCoreBytes(ownLimits())) : 0;
  const files = atMost(1024, 'Max open files');
  const locked = atMost(LOCKED_BYTES, 'Max locked memory');
  return [
    bytes === 0 ? { op: 'rlimit', resource: RLIMIT_CORE, soft: 0, hard: 0 } : { op: 'core', bytes },
    { op: 'rlimit', resource: RLIMIT_NOFILE, soft: files, hard: files },
    { op: 'rlimit', resource: RLIMIT_MEMLOCK, soft: locked, hard: locked },
  ];
}

/** The hard limit in a text as proc(5) has it in `limits`: what this server was started with can't be exceeded. */
export function mostCoreBytes(limits: string): number {
  return hardLimit(limits, 'Max core file size') ?? 0;
}

/** `most`, or what this server may have itself: who asks the kernel for more than that is refused all of it. */
function atMost(most: number, name: string): number {
  return Math.min(most, hardLimit(ownLimits(), name) ?? most);
}

function hardLimit(limits: string, name: string): number | null {
  const hard = new RegExp(`^${name} +\\S+ +(\\S+)`, 'm').exec(limits)?.[1];
  if (hard === undefined) return null;
  return hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard);
}

function ownLimits(): string {
  return process.platform === 'linux' ? readFileSync('/proc/self/limits', 'latin1') : '';
}
