import { createHash } from 'node:crypto';
import { lastDue, parseSchedule, type Schedule } from '../../lib/calendar/schedule.ts';
import type { TriggerRecord } from '../../model/trigger-record.ts';

const MINUTE_MS = 60_000;

/** A remembered time that is later than now by more than this was written while the clock was wrong: it would keep the schedule silent. */
const WRONG_CLOCK_MS = 25 * 60 * MINUTE_MS;

/** When a schedule is due, and when it is to fire for that: pure. */
export class Plan {
  readonly #id: string;
  readonly #schedule: Schedule;
  readonly #windowMs: number;

  constructor(record: TriggerRecord<'schedule'>) {
    this.#id = record.id;
    this.#schedule = parseSchedule(record.configuration, record.changedAtMs);
    this.#windowMs = (record.configuration.flexibleMinutes ?? 0) * MINUTE_MS;
  }

  /** From when on times count: what was remembered, unless the clock was wrong then. */
  since(lastMs: number, nowMs: number): number {
    return lastMs > nowMs + WRONG_CLOCK_MS ? nowMs : lastMs;
  }

  /** The next time after `afterMs` and when to fire for it; null when there is none. */
  next(afterMs: number): { atMs: number; fireMs: number } | null {
    const atMs = this.#schedule.next(afterMs);
    return atMs === null ? null : { atMs, fireMs: atMs + this.#jitterMs(atMs) };
  }

  /**
   * The one time to fire for now, of all since `afterMs`: the last whose moment has come, however many were missed. Null when none has.
   */
  due(afterMs: number, nowMs: number): number | null {
    const last = lastDue(this.#schedule, afterMs, nowMs);
    if (last === null || last + this.#jitterMs(last) <= nowMs) return last;
    // Its moment within the window is still to come; that of the one before it lies before it.
    return lastDue(this.#schedule, afterMs, last - 1);
  }

  /** Where in its window a time fires: the same in every run, other for every schedule and time, and before the next time. */
  #jitterMs(atMs: number): number {
    if (this.#windowMs === 0) return 0;
    const digest = createHash('sha256').update(`${this.#id} ${atMs}`).digest();
    const window = Math.min(this.#windowMs, (this.#schedule.next(atMs) ?? Infinity) - atMs);
    return Math.floor((digest.readUInt32BE(0) / 2 ** 32) * window);
  }
}
