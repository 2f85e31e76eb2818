import { readdirSync } from 'node:fs';
import koffi from 'koffi';
import type { ExitStatus } from '../model/instance.ts';
import { decodeStatus } from './exit-status.ts';

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const STANDARD_STREAMS = 3;

/** The few system calls that Node.js has no word for. */
export interface Kernel {
  /** Makes this process the parent of every descendant that loses its own. Throws when the kernel refuses. */
  becomeSubreaper(): void;
  /** Keeps all but the standard streams from what this process starts: a function has no business with a lock or a pipe that its server was started with. */
  keepDescriptors(): void;
  /** Reaps one child if it has ended. Never call it for a child of node:child_process, which wants to reap its own. */
  reap(pid: number): ExitStatus | null;
  /** Lets one thread run on every CPU; false when it is gone. */
  unpin(thread: number): boolean;
}

/** Binds the calls; throws where there is no Linux C library. */
export function loadKernel(): Kernel {
  const libc = koffi.load(null);
  const prctl = libc.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  const fcntl = libc.func('int fcntl(int, int, int)');
  const waitpid = libc.func('int waitpid(int, _Out_ int*, int)');
  const schedSetaffinity = libc.func('int sched_setaffinity(int, size_t, void*)');
  return {
    becomeSubreaper() {
      if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0)
        throw new Error(`prctl(PR_SET_CHILD_SUBREAPER) failed with errno ${koffi.errno()}`);
    },
    keepDescriptors() {
      for (const fd of readdirSync('/proc/self/fd').map(Number)) if (fd >= STANDARD_STREAMS) fcntl(fd, F_SETFD, FD_CLOEXEC);
    },
    reap(pid) {
      const status = [0];
      return waitpid(pid, status, WNOHANG) === pid ? decodeStatus(status[0]!) : null;
    },
    unpin: (thread) => schedSetaffinity(thread, 128, Buffer.alloc(128, 0xff)) === 0,
  };
}
