import { readFileSync, writeFileSync } from 'node:fs';

/** What renice(1) calls it; each step is a weight of 1.25. */
const NICE = '-5';

/**
 * Linux gives each session the same share of the processors (sched_autogroup), and every instance is a session of its own: beside a dozen that work, the server
 * that feeds them had a thirteenth, and they waited for it. Where this process leads a session (`--detach`, a service) and may (as root), its
 * session's share is three times as large. A server at a terminal is left alone: its session is the shell's. Never throws.
 */
export function preferThisSession(): void {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
    if (session === process.pid) writeFileSync('/proc/self/autogroup', NICE);
  } catch {
    // not Linux, no autogroups, or not allowed
  }
}
