import type { Clock } from '../lib/clock.ts';
import { deferred } from '../lib/deferred.ts';
import type { Deferred } from '../lib/deferred.ts';
import type { Reaped } from '../model/instance.ts';

/** A report may come before the word that the process was started; older ones are another process's with the same pid. */
const EARLY_MS = 5_000;
const MAX_EARLY = 256;

/** Where the ends of processes are posted, by whoever reaped them, for whoever waits. */
export class ExitBoard {
  readonly #clock: Clock;
  readonly #awaited = new Map<number, Deferred<Reaped>>();
  readonly #early = new Map<number, { status: Reaped; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The end of a process that was started just now. */
  expect(pid: number): Promise<Reaped> {
    const early = this.#early.get(pid);
    this.#early.delete(pid);
    if (early !== undefined && this.#clock.monotonic() - early.atMs < EARLY_MS) return Promise.resolve(early.status);
    const awaited = deferred<Reaped>();
    this.#awaited.set(pid, awaited);
    return awaited.promise;
  }

  /** Nobody waits for that end any longer: no report of it will come. False when it has come, or the pid is another process's by now. */
  forget(pid: number, end: Promise<Reaped>): boolean {
    return this.#awaited.get(pid)?.promise === end && this.#awaited.delete(pid);
  }

  report(pid: number, status: Reaped): void {
    const awaited = this.#awaited.get(pid);
    if (awaited !== undefined) {
      this.#awaited.delete(pid);
      awaited.resolve(status);
      return;
    }
    this.#early.delete(pid);
    this.#early.set(pid, { status, atMs: this.#clock.monotonic() });
    if (this.#early.size > MAX_EARLY) this.#early.delete(this.#early.keys().next().value!);
  }
}
