import type { Clock, Timer } from '../lib/clock.ts';
import { waits } from './policies/waits.ts';

/** Processor time that a process which runs an init phase has used so far, with what it started, milliseconds; null: nobody can tell any more. */
export type CpuMeter = () => number | null;

const LOOK_MS = 1_000;

interface Watched {
  /** Init phases of the version that run. */
  count: number;
  readonly meters: Set<CpuMeter>;
  usedMs: number | null;
  waiting: boolean;
  timer: Timer;
}

/** Tells versions whose init phases compute from those whose only wait: for the network, a lock, nothing at all. By what they use of the processors, once a second. */
export class InitWatch {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #watched = new Map<string, Watched>();

  /** `changed`: one more only waits. */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** How many versions have an init phase that computes, or of which that is not known. */
  get computing(): number {
    let count = 0;
    for (const { waiting } of this.#watched.values()) if (!waiting) count++;
    return count;
  }

  begin(revisionId: string): void {
    const watched = this.#watched.get(revisionId);
    if (watched !== undefined) {
      watched.count++;
      return;
    }
    this.#watched.set(revisionId, { count: 1, meters: new Set(), usedMs: null, waiting: false, timer: this.#again(revisionId) });
  }

  end(revisionId: string): void {
    const watched = this.#watched.get(revisionId);
    if (watched === undefined || --watched.count > 0) return;
    watched.timer.cancel();
    this.#watched.delete(revisionId);
  }

  /** A process runs one of the version's init phases from now on. */
  meter(revisionId: string, meter: CpuMeter): void {
    this.#watched.get(revisionId)?.meters.add(meter);
  }

  #again(revisionId: string): Timer {
    return this.#clock.after(LOOK_MS, () => this.#look(revisionId));
  }

  #look(revisionId: string): void {
    const watched = this.#watched.get(revisionId);
    if (watched === undefined) return;
    watched.timer = this.#again(revisionId);
    let usedMs: number | null = null;
    for (const meter of watched.meters) {
      const used = meter();
      if (used === null) watched.meters.delete(meter);
      else usedMs = (usedMs ?? 0) + used;
    }
    const was = watched.waiting;
    watched.waiting = waits({ beforeMs: watched.usedMs, afterMs: usedMs, overMs: LOOK_MS });
    watched.usedMs = usedMs;
    if (watched.waiting && !was) this.#changed();
  }
}
