import { Worker } from 'node:worker_threads';
import { HttpSocket, now, openAll } from './http-socket.ts';
import { type LoadResult, type Plan, requestBytes } from './plan.ts';
import { Recorder } from './recorder.ts';
import { dueBy, NOT_NOW, type Pace } from './pacer.ts';

type OpenPlan = Extract<Plan, { mode: 'open' }>;

const DRAIN_MS = 10_000;
const HEAD_START_MS = 100;

/**
 * Requests at a fixed rate whatever the server does. Latency counts from when a request was due: one that could not be sent
 * since all connections waited for a stalled server has waited, too (coordinated omission).
 */
export async function openLoop(plan: OpenPlan): Promise<LoadResult> {
  const sockets = Array.from({ length: plan.connections }, () => new HttpSocket(plan.target.port));
  try {
    await openAll(sockets);
    return await new OpenLoop(plan, sockets).run();
  } finally {
    for (const socket of sockets) socket.close();
  }
}

class OpenLoop {
  readonly #pace: Pace;
  readonly #request: Buffer;
  readonly #free: HttpSocket[];
  readonly #drainMs: number;
  readonly #keepBodies: boolean;
  /** Requests that are sent before the first that counts. */
  readonly #leadIn: number;
  /** Of the lead-in until that is over. */
  #recorder = new Recorder();
  /** The first request that was not sent. */
  #next = 0;
  /** Since when there has been a free connection. */
  #freeSinceMs = 0;
  #ended = 0;
  #onEnd = (): void => {};

  constructor(plan: OpenPlan, sockets: HttpSocket[]) {
    this.#leadIn = Math.floor(plan.rate * (plan.leadInSeconds ?? 0));
    const count = this.#leadIn + Math.max(1, Math.floor(plan.rate * plan.seconds));
    const next = new Int32Array(new SharedArrayBuffer(4));
    this.#pace = {
      startMs: now() + Math.max(HEAD_START_MS, (plan.notBeforeMs ?? 0) - Date.now()),
      intervalMs: 1000 / plan.rate,
      count,
      next,
    };
    this.#request = requestBytes(plan.target);
    this.#keepBodies = plan.keepBodies ?? false;
    this.#drainMs = plan.drainMs ?? DRAIN_MS;
    this.#free = [...sockets];
  }

  async run(): Promise<LoadResult> {
    const { startMs, count, intervalMs } = this.#pace;
    // Compiled beside this file. A thread of its own: timers of the event loop are a millisecond wide.
    const pacer = new Worker(new URL('./pacer.js', import.meta.url), { workerData: this.#pace });
    try {
      await new Promise<void>((resolve, reject) => {
        const limit = setTimeout(resolve, startMs - now() + count * intervalMs + this.#drainMs);
        this.#onEnd = () => {
          clearTimeout(limit);
          resolve();
        };
        pacer.on('error', reject);
        pacer.on('message', () => this.#sendDue(now()));
      });
    } finally {
      await pacer.terminate();
    }
    for (let left = count - this.#ended; left > 0; left--) this.#recorder.fail(`no answer within ${this.#drainMs} ms of the end`);
    return this.#recorder.result();
  }

  /** Sends what is due, as far as there are connections; looked at whenever one comes back, too, so that the pacer need not call for what can't be sent, or was. */
  #sendDue(atMs: number): void {
    const due = dueBy(atMs, this.#pace);
    for (let socket; this.#next < due && (socket = this.#free.pop()) !== undefined;) {
      if (this.#next === this.#leadIn) this.#recorder = new Recorder({ keepBodies: this.#keepBodies, failed: this.#recorder });
      // The generator's own; waiting for a connection is the server's.
      this.#recorder.noteLateness(atMs - Math.max(this.#dueMs(this.#next), this.#freeSinceMs));
      this.#send(this.#next++, socket);
    }
    const { next } = this.#pace;
    const before = Atomics.exchange(next, 0, this.#free.length > 0 ? this.#next : NOT_NOW);
    if (before === NOT_NOW && this.#free.length > 0) Atomics.notify(next, 0);
  }

  #send(index: number, socket: HttpSocket): void {
    const dueMs = this.#dueMs(index);
    const recorder = this.#recorder;
    socket.send(this.#request, (received) => {
      recorder.note(dueMs, received);
      this.#ended += 1;
      if (this.#ended === this.#pace.count || recorder.hopeless) return this.#onEnd();
      if (socket.isOpen) this.#release(socket, 'atMs' in received ? received.atMs : now());
      else
        socket.open().then(
          () => this.#release(socket, now()),
          (error: unknown) => this.#recorder.fail(`can't connect again: ${String(error)}`),
        );
    });
  }

  #dueMs(index: number): number {
    return this.#pace.startMs + index * this.#pace.intervalMs;
  }

  #release(socket: HttpSocket, atMs: number): void {
    if (this.#free.length === 0) this.#freeSinceMs = atMs;
    this.#free.push(socket);
    this.#sendDue(atMs);
  }
}
