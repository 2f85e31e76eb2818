import { silent } from '../../../../test/silent-log.ts';
import { HearthError } from '../../../errors.ts';
import type { Clock, Timer } from '../../../lib/clock.ts';
import { VirtualClock } from '../../../lib/virtual-clock.ts';
import { trigger, type TriggerConfiguration } from '../../../model/triggers.ts';
import type { TriggerRecord } from '../../../model/trigger-record.ts';
import type { Firing, ScheduleLedger } from '../ledger.ts';
import { ScheduleSource } from '../schedule-source.ts';

export const START = Date.parse('2026-11-24T12:00:30Z');
export const MINUTE_MS = 60_000;

/** Keeps what the database keeps: deliveries by id, and the last time of each schedule. */
class MemoryLedger implements ScheduleLedger {
  readonly fired: Firing[] = [];
  readonly last = new Map<string, number>();
  away = false;
  /** Commits, and the answer is lost: as when the server is killed there. */
  loseAnswer = false;

  async lastFired(ids: readonly string[]): Promise<Map<string, number>> {
    this.#check();
    return new Map([...this.last].filter(([id]) => ids.includes(id)));
  }

  async fire(firings: readonly Firing[]): Promise<void> {
    this.#check();
    for (const firing of firings) {
      if (!this.fired.some((f) => f.delivery.id === firing.delivery.id)) this.fired.push(firing);
      this.last.set(firing.triggerId, Math.max(this.last.get(firing.triggerId) ?? 0, firing.atMs));
    }
    if (this.loseAnswer) throw new HearthError('ServiceUnavailable', 'connection terminated');
  }

  times(): string[] {
    return this.fired.map((f) => new Date(f.atMs).toISOString().slice(11, 16));
  }

  #check(): void {
    if (this.away) throw new HearthError('ServiceUnavailable', 'the database is away');
  }
}

/** A clock on the wall that can be set, over one that only runs. */
class SettableClock implements Clock {
  readonly running = new VirtualClock(START);
  setByMs = 0;
  armed = 0;

  now(): number {
    return this.running.now() + this.setByMs;
  }

  monotonic(): number {
    return this.running.monotonic();
  }

  after(ms: number, fn: () => void): Timer {
    this.armed++;
    let over = false;
    const end = (): void => {
      if (!over) this.armed--;
      over = true;
    };
    const timer = this.running.after(ms, () => {
      end();
      fn();
    });
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
    };
  }
}

/** For tests: a schedule as it is stored. */
export function record(schedule: unknown, changes: Partial<TriggerRecord<'schedule'>> = {}): TriggerRecord<'schedule'> {
  return {
    id: '11111111-1111-4111-8111-111111111111',
    accountId: '000000000000',
    region: 'us-east-1',
    functionId: 'f',
    functionName: 'report',
    kind: 'schedule',
    configuration: trigger.parse({ schedule }).schedule as TriggerConfiguration<'schedule'>,
    changedAtMs: START,
    retired: false,
    ...changes,
  };
}

/** For tests: a ledger and a clock that can be set, and what opens a source on them. */
export function world() {
  const clock = new SettableClock();
  const ledger = new MemoryLedger();
  const open = (...records: TriggerRecord<'schedule'>[]): ScheduleSource => {
    const source = new ScheduleSource({ ledger, clock, log: silent });
    for (const r of records) source.start(r);
    return source;
  };
  return { clock, ledger, open, advance: (ms: number) => clock.running.advance(ms) };
}
