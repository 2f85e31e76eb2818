import { readFileSync, writeFileSync } from 'node:fs';

const MOST = 1_000;
/** Like holding half of the machine's memory on top of what it holds. */
const STEP = 500;

/**
 * Should the machine run out of memory all the same, the kernel is to end what runs functions, of which one invocation is lost, and not the server or PostgreSQL, which may
 * well be larger. What the process forks is as it is (proc(5), oom_score_adj). Where that can't be said, nothing changes.
 */
export function offerToOomKiller(pid: number): void {
  try {
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'latin1'));
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(MOST, own + STEP)));
  } catch {
    // it has ended
  }
}
