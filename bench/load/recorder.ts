import type { LoadResult } from './plan.ts';
import { now, type Received } from './http-socket.ts';

/** More failures than this and the load is off: a server that refuses everything is not to be hammered. */
const MOST_FAILURES = 1_000;

/** Notes what comes back. */
export class Recorder {
  readonly #latencies: number[] = [];
  readonly #overheads: number[] = [];
  readonly #lateness: number[] = [];
  readonly #bodies: string[] = [];
  readonly #keepBodies: boolean;
  readonly #startedMs = now();
  readonly #cpuAtStart = process.cpuUsage();
  #lastMs = this.#startedMs;
  #coldStarts = 0;
  #failures = 0;
  #firstFailure: string | null = null;

  /** `failed`: one whose samples don't count, but whose failures do. */
  constructor({ keepBodies = false, failed }: { readonly keepBodies?: boolean; readonly failed?: Recorder } = {}) {
    this.#keepBodies = keepBodies;
    if (failed !== undefined) [this.#failures, this.#firstFailure] = [failed.#failures, failed.#firstFailure];
  }

  get hopeless(): boolean {
    return this.#failures >= MOST_FAILURES;
  }

  /** One request's end. `fromMs` is when it was due, or sent. */
  note(fromMs: number, received: Received): void {
    if ('error' in received) return this.fail(received.error.message);
    const { answer, atMs } = received;
    this.#lastMs = atMs;
    if (answer.status !== 200 || answer.header('x-amz-function-error') !== null)
      return this.fail(`status ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
    this.#latencies.push(atMs - fromMs);
    const handler = answer.header('x-hearth-duration-ms');
    if (handler !== null) this.#overheads.push(atMs - fromMs - Number(handler));
    if (answer.header('x-hearth-cold-rung') !== null) this.#coldStarts += 1;
    if (this.#keepBodies) this.#bodies.push(answer.body.toString());
  }

  noteLateness(ms: number): void {
    this.#lateness.push(ms);
  }

  fail(why: string): void {
    this.#failures += 1;
    this.#firstFailure ??= why;
  }

  result(): LoadResult {
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    return {
      seconds: (this.#lastMs - this.#startedMs) / 1000,
      latencies: Float64Array.from(this.#latencies),
      overheads: Float64Array.from(this.#overheads),
      lateness: Float64Array.from(this.#lateness),
      coldStarts: this.#coldStarts,
      failures: this.#failures,
      firstFailure: this.#firstFailure,
      bodies: this.#bodies,
      generatorCpu: (user + system) / 1e3 / Math.max(1, now() - this.#startedMs),
    };
  }
}
