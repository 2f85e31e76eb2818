import { Worker } from 'node:worker_threads';
import { HttpSocket, now, openAll } from './http-socket.ts';
import { type LoadResult, type Plan, requestBytes } from './plan.ts';
import { Recorder } from './recorder.ts';
import type { Pace } from './pacer.ts';

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
  readonly #recorder: Recorder;
  readonly #drainMs: number;
  /** Requests that are due and have no connection: their index, oldest first. */
  readonly #queue: number[] = [];
  #due = 0;
  #ended = 0;
  #onEnd = (): void => {};

  constructor(plan: OpenPlan, sockets: HttpSocket[]) {
    const count = Math.max(1, Math.floor(plan.rate * plan.seconds));
    this.#pace = { startMs: now() + HEAD_START_MS, intervalMs: 1000 / plan.rate, count };
    this.#request = requestBytes(plan.target);
    this.#recorder = new Recorder({ keepBodies: plan.keepBodies ?? false });
    this.#drainMs = plan.drainMs ?? DRAIN_MS;
    this.#free = [...sockets];
  }

  async run(): Promise<LoadResult> {
    const { count, intervalMs } = this.#pace;
    // Compiled beside this file. A thread of its own: timers of the event loop are a millisecond wide.
    const pacer = new Worker(new URL('./pacer.js', import.meta.url), { workerData: this.#pace });
    try {
      await new Promise<void>((resolve, reject) => {
        const limit = setTimeout(resolve, HEAD_START_MS + count * intervalMs + this.#drainMs);
        this.#onEnd = () => {
          clearTimeout(limit);
          resolve();
        };
        pacer.on('error', reject);
        pacer.on('message', (upTo: number) => this.#becomeDue(upTo));
      });
    } finally {
      await pacer.terminate();
    }
    for (let left = count - this.#ended; left > 0; left--) this.#recorder.fail(`no answer within ${this.#drainMs} ms of the end`);
    return this.#recorder.result();
  }

  #becomeDue(upTo: number): void {
    const atMs = now();
    for (; this.#due < upTo; this.#due++) {
      this.#recorder.noteLateness(atMs - this.#dueMs(this.#due)); // the generator's own; waiting for a connection is the server's
      this.#queue.push(this.#due);
    }
    this.#sendQueued();
  }

  #sendQueued(): void {
    while (this.#queue.length > 0 && this.#free.length > 0) this.#send(this.#queue.shift() as number, this.#free.pop() as HttpSocket);
  }

  #send(index: number, socket: HttpSocket): void {
    const dueMs = this.#dueMs(index);
    socket.send(this.#request, (received) => {
      this.#recorder.note(dueMs, received);
      this.#ended += 1;
      if (this.#ended === this.#pace.count || this.#recorder.hopeless) return this.#onEnd();
      if (socket.isOpen) this.#release(socket);
      else
        socket.open().then(
          () => this.#release(socket),
          (error: unknown) => this.#recorder.fail(`can't connect again: ${String(error)}`),
        );
    });
  }

  #dueMs(index: number): number {
    return this.#pace.startMs + index * this.#pace.intervalMs;
  }

  #release(socket: HttpSocket): void {
    this.#free.push(socket);
    this.#sendQueued();
  }
}
