import type { Clock, Timer } from './clock.ts';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/** A clock that stands still until it is turned; timers fire in order of their time, then of their arming. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #pending: Pending[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(ms: number, fn: () => void): Timer {
    const pending: Pending = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, fn, cancelled: false };
    this.#pending.push(pending);
    return {
      cancel: () => {
        pending.cancelled = true;
      },
    };
  }

  /**
   * Turns the clock forward by `ms`, firing what falls due. Between two timers the microtask queue and one
   * turn of the event loop run, so that promises which a timer settled have arrived before the next fires.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = this.#pending
        .filter((p) => !p.cancelled && p.atMs <= until)
        .reduce<Pending | undefined>(
          (a, b) => (a === undefined || b.atMs < a.atMs || (b.atMs === a.atMs && b.order < a.order) ? b : a),
          undefined,
        );
      if (due === undefined) break;
      this.#pending = this.#pending.filter((p) => p !== due && !p.cancelled);
      this.#nowMs = due.atMs;
      due.fn();
      await settle();
    }
    this.#nowMs = until;
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
