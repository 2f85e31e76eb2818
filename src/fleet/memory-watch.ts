import type { Clock, Timer } from '../lib/clock.ts';

/** One instance that is watched while it is busy. */
export interface Watched {
  /** Whether it holds more memory than its function was given; a look costs tens of microseconds, and of one with hundreds of threads and children ten milliseconds. */
  exceedsMemory(): boolean;
  kill(): Promise<unknown>;
  /** How often it was looked for since it became busy: what is done by the first time is never looked at. */
  looks: number;
}

const EVERY_MS = 50;
/** A turn begins no further look after that: about 3 % of a core, and nobody else waits longer than for one look. */
const TURN_MS = 1.5;

/**
 * Ends busy instances that hold more memory than their function was given, where no cgroup does it. What is allocated and freed between two looks
 * goes unseen. Adding and removing one is all that an invocation pays.
 */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #busy = new Set<Watched>();
  #turn: Iterator<Watched> | null = null;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(instance: Watched): void {
    instance.looks = 0;
    this.#busy.add(instance);
    this.#timer ??= this.#clock.after(EVERY_MS, () => this.#look());
  }

  remove(instance: Watched): void {
    this.#busy.delete(instance);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#busy.clear();
  }

  #look(): void {
    this.#timer = null;
    this.#turn ??= this.#busy.values();
    for (const untilMs = this.#clock.monotonic() + TURN_MS; this.#clock.monotonic() < untilMs;) {
      const next = this.#turn.next();
      if (next.done === true) {
        this.#turn = null;
        break;
      }
      const instance = next.value;
      if (instance.looks++ === 0) continue;
      if (!instance.exceedsMemory()) continue;
      this.#busy.delete(instance);
      void instance.kill();
    }
    if (this.#busy.size > 0) this.#timer = this.#clock.after(EVERY_MS, () => this.#look());
  }
}
