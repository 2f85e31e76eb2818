import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

/** When requests are due: `startMs + i * intervalMs`, on the machine's monotonic clock. */
export interface Pace {
  readonly startMs: number;
  readonly intervalMs: number;
  readonly count: number;
}

// A futex wait is exact to some 60 µs and costs nothing meanwhile; an event loop's timer is exact to a millisecond, and
// spinning would take a core from what is measured.
const nobody = new Int32Array(new SharedArrayBuffer(4));
const port = parentPort as MessagePort;
const { startMs, intervalMs, count } = workerData as Pace;
for (let due = 0; due < count;) {
  const waitMs = startMs + due * intervalMs - now();
  if (waitMs > 0) Atomics.wait(nobody, 0, 0, waitMs);
  due = Math.min(count, Math.max(due + 1, Math.floor((now() - startMs) / intervalMs) + 1));
  port.postMessage(due, []);
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
