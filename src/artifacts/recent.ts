import type { Clock } from '../lib/clock.ts';

/** Remembers names for a while. */
export class Recent {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #atMs = new Map<string, number>();

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  add(name: string): void {
    this.#atMs.set(name, this.#clock.monotonic());
  }

  /** Whether a name was added within the last `keepMs`; forgets it if not. */
  has(name: string): boolean {
    const atMs = this.#atMs.get(name);
    if (atMs === undefined) return false;
    if (this.#clock.monotonic() - atMs < this.#keepMs) return true;
    this.#atMs.delete(name);
    return false;
  }
}
