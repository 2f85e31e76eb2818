import type { Clock } from '../lib/clock.ts';
import type { StoredHabit } from '../model/habit.ts';
import { IdleTimes } from './idle-times.ts';

/** What is known of how a function is used, whatever its revision. */
export interface Habit {
  readonly functionId: string;
  readonly idleTimes: IdleTimes;
  /** Invocations since something of it is resident; for eviction. */
  uses: number;
  /** Monotonic; null: never used, or used now. */
  idleSinceMs: number | null;
  /** Busy instances, of all its revisions. */
  busy: number;
  /** Whether the idle time under way spans a restart of the server: nobody knows who called meanwhile. */
  broken: boolean;
  /** Changed since it was last stored. */
  fresh: boolean;
}

/** The habits of every function that was seen; survives revisions, and restarts by `restore` and `changes`. */
export class Habits {
  readonly #clock: Clock;
  readonly #rangeMinutes: number;
  readonly #byFunction = new Map<string, Habit>();

  constructor(clock: Clock, rangeMinutes: number) {
    this.#clock = clock;
    this.#rangeMinutes = rangeMinutes;
  }

  /** Of a function that is about to be served: begun where nothing is known of it. */
  of(functionId: string): Habit {
    let habit = this.#byFunction.get(functionId);
    if (habit === undefined) this.#byFunction.set(functionId, (habit = this.#habit(functionId, new IdleTimes(this.#rangeMinutes))));
    return habit;
  }

  /** What is known of a function, if anything. */
  find(functionId: string): Habit | undefined {
    return this.#byFunction.get(functionId);
  }

  /** One of its instances took up work. */
  busy(habit: Habit): void {
    habit.uses++;
    habit.fresh = true;
    if (habit.busy++ > 0) return;
    if (habit.idleSinceMs !== null && !habit.broken) habit.idleTimes.add(this.#clock.monotonic() - habit.idleSinceMs);
    habit.broken = false;
    habit.idleSinceMs = null;
  }

  /** One of its instances is no longer at work. */
  rested(habit: Habit): void {
    if (--habit.busy === 0) habit.idleSinceMs = this.#clock.monotonic();
  }

  /** The function was removed. Its instances may still be at work: they go on with what they have, and nothing of it is stored. */
  forget(functionId: string): void {
    this.#byFunction.delete(functionId);
  }

  /** Takes up what an earlier server stored. */
  restore(stored: readonly StoredHabit[]): void {
    const agoMs = this.#clock.now() - this.#clock.monotonic();
    for (const { functionId, idleTimes, lastUsedAtMs } of stored) {
      const habit = this.#habit(functionId, new IdleTimes(this.#rangeMinutes, idleTimes));
      habit.idleSinceMs = lastUsedAtMs === null ? null : Math.min(lastUsedAtMs - agoMs, this.#clock.monotonic());
      habit.broken = true;
      this.#byFunction.set(functionId, habit);
    }
  }

  /** What changed since it was last asked for. Call `unstored` with what could then not be stored. */
  changes(): StoredHabit[] {
    const changed: StoredHabit[] = [];
    const nowMs = this.#clock.monotonic();
    for (const habit of this.#byFunction.values()) {
      if (!habit.fresh) continue;
      habit.fresh = habit.busy > 0;
      const idleMs = nowMs - (habit.idleSinceMs ?? nowMs);
      changed.push({
        functionId: habit.functionId,
        idleTimes: habit.idleTimes.document(),
        lastUsedAtMs: this.#clock.now() - idleMs,
      });
    }
    return changed;
  }

  unstored(habits: readonly StoredHabit[]): void {
    for (const { functionId } of habits) {
      const habit = this.#byFunction.get(functionId);
      if (habit !== undefined) habit.fresh = true;
    }
  }

  #habit(functionId: string, idleTimes: IdleTimes): Habit {
    return { functionId, idleTimes, uses: 0, idleSinceMs: null, busy: 0, broken: false, fresh: false };
  }
}
