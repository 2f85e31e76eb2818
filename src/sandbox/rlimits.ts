import type { ConfineStep } from '../runtimes/protocol.ts';

// Numbers of setrlimit(2), the same on x86-64 and arm64.
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;
const RLIMIT_MEMLOCK = 8;

const LOCKED_BYTES = 65_536;

/**
 * No core files (they would hold a caller's data), and as many open files and as much locked memory as Lambda allows. Not the number of processes: RLIMIT_NPROC counts
 * all of a user's, so one instance's would be charged to every other of its function.
 */
export function rlimits(): ConfineStep[] {
  return [
    { op: 'rlimit', resource: RLIMIT_CORE, soft: 0, hard: 0 },
    { op: 'rlimit', resource: RLIMIT_NOFILE, soft: 1024, hard: 1024 },
    { op: 'rlimit', resource: RLIMIT_MEMLOCK, soft: LOCKED_BYTES, hard: LOCKED_BYTES },
  ];
}
