import type { Clock, Timer } from '../lib/clock.ts';

/**
 * Of somebody who was asked to wait for an instance to free: looks whether any did, and loses patience when none has. Once more a moment later: a timer of a busy event loop
 * fires before the answers are read that came meanwhile, and starting instances for a stall of our own makes it longer.
 */
export class Patience {
  readonly #clock: Clock;
  /** Places given back since the beginning. */
  #released = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A place was given back. */
  released(): void {
    this.#released++;
  }

  /** Calls back in `afterMs`, unless that is about to happen already; `lost`: no place was given back until then. */
  ask(afterMs: number, then: (lost: boolean) => void): void {
    if (this.#timer !== null) return;
    const before = this.#released;
    this.#timer = this.#clock.after(afterMs, () => {
      this.#timer = this.#clock.after(1, () => {
        this.#timer = null;
        then(this.#released === before);
      });
    });
  }
}
