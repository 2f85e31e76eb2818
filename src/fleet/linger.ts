import type { Clock, Timer } from '../lib/clock.ts';
import type { Roster } from './roster.ts';

/** Stopping a process and what it started takes a tenth of a millisecond: after a burst they are not all stopped in one turn of the event loop. */
const PAUSES_PER_TURN = 32;

/** Stops instances that have been idle for a while: one that is used again at once need not be let go on first. */
export class Linger {
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #roster: Roster;
  #timer: Timer | null = null;

  constructor(parts: { readonly clock: Clock; readonly lingerMs: number; readonly roster: Roster }) {
    this.#clock = parts.clock;
    this.#lingerMs = parts.lingerMs;
    this.#roster = parts.roster;
  }

  /** Some instance has fallen idle. */
  begin(): void {
    this.#timer ??= this.#clock.after(this.#lingerMs, () => this.#pause());
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #pause(): void {
    this.#timer = null;
    const now = this.#clock.monotonic();
    const { lingering } = this.#roster;
    let paused = 0;
    for (const instance of lingering) {
      if (now - instance.idleSinceMs < this.#lingerMs) continue;
      if (++paused > PAUSES_PER_TURN) break;
      lingering.delete(instance);
      instance.pause();
    }
    if (lingering.size === 0) return;
    const againMs = paused > PAUSES_PER_TURN ? 1 : Math.max(1, this.#lingerMs / 2);
    this.#timer = this.#clock.after(againMs, () => this.#pause());
  }
}
