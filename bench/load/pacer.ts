import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

/** When requests are due: `startMs + i * intervalMs`, on the machine's monotonic clock. */
export interface Pace {
  readonly startMs: number;
  readonly intervalMs: number;
  readonly count: number;
  /** One number, kept by the generator: the first request that it has not sent, or NOT_NOW. */
  readonly next: Int32Array<SharedArrayBuffer>;
}

/** No connection is free: there is nobody to call until one is. */
export const NOT_NOW = -1;

/** How many requests are due at a moment. */
export function dueBy(atMs: number, { startMs, intervalMs, count }: Pace): number {
  return Math.max(0, Math.min(count, Math.floor((atMs - startMs) / intervalMs) + 1));
}

/** The generator, which looks whenever an answer comes, is called for what is later than that only. */
const GRACE_MS = 0.05;

if (parentPort !== null) pace(parentPort, workerData as Pace);

/**
 * Calls the generator when a request is due that it doesn't know of, and leaves it alone otherwise: each call costs the machine some 20 µs, which a client of its
 * own machine would not take from a server that is behind.
 */
function pace(port: MessagePort, plan: Pace): void {
  const { startMs, intervalMs, count, next } = plan;
  // A futex wait is exact to some 60 µs and costs nothing meanwhile; an event loop's timer is exact to a millisecond, and
  // spinning would take a core from what is measured.
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  let called = NOT_NOW;
  for (let due = 0; due < count;) {
    const waitMs = startMs + due * intervalMs + GRACE_MS - now();
    if (waitMs > 0) Atomics.wait(nobody, 0, 0, waitMs);
    const first = Atomics.load(next, 0);
    if (first === NOT_NOW) Atomics.wait(next, 0, NOT_NOW);
    else if (first > due) due = first;
    else {
      if (first !== called) port.postMessage(null, []);
      called = first;
      due = Math.max(due + 1, dueBy(now() - GRACE_MS, plan));
    }
  }
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
