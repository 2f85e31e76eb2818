import type { Clock, Timer } from '../lib/clock.ts';
import type { Evictor } from './evictor.ts';
import type { MemoryGauge } from './memory-gauge.ts';

export interface PressureDeps {
  readonly clock: Clock;
  readonly memory: MemoryGauge;
  /** What is to stay free. */
  readonly reserveBytes: number;
  readonly evictor: Evictor;
  readonly holdings: { readonly total: number };
}

const EVERY_MS = 1_000;

/** Gives up idle things when the machine runs short of memory, whoever uses it: nobody need be starting anything. */
export class Pressure {
  readonly #deps: PressureDeps;
  #timer: Timer | null = null;

  constructor(deps: PressureDeps) {
    this.#deps = deps;
    this.#next();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #next(): void {
    this.#timer = this.#deps.clock.after(EVERY_MS, () => {
      this.#look();
      this.#next();
    });
  }

  #look(): void {
    const { memory, reserveBytes, evictor, holdings } = this.#deps;
    if (holdings.total === 0) return;
    const missing = reserveBytes - memory.availableBytes();
    if (missing > 0) evictor.free(missing, null);
  }
}
