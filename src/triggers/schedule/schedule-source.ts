import { Heap } from '../../lib/heap.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import type { TriggerRecord, TriggerStatus } from '../../model/trigger-record.ts';
import type { TriggerConfiguration } from '../../model/triggers.ts';
import type { TriggerLog, TriggerSource } from '../trigger.ts';
import { scheduleDelivery } from './event.ts';
import type { Firing, ScheduleLedger } from './ledger.ts';
import { Plan } from './plan.ts';

/** The clock on the wall may be set at any time: it is looked at no more seldom than this. */
const LOOK_MS = 60_000;
/** Events in one transaction. */
const BATCH = 500;
/** Between attempts while the database is away. */
const AGAIN_MS = 2_000;

export interface ScheduleDeps {
  readonly ledger: ScheduleLedger;
  readonly clock: Clock;
  readonly log: TriggerLog;
  /** What a time of a schedule makes; left out: one delivery to its function. */
  readonly deliveries?: (record: TriggerRecord<'schedule'>, atMs: number) => readonly NewDelivery[];
  /** Told of a schedule that nothing more will come of, which may be when it is started. Must not throw. */
  readonly ended?: (id: string) => void;
}

/** A schedule that runs. A change of configuration is a new object. */
interface Entry {
  readonly record: TriggerRecord<'schedule'>;
  readonly plan: Plan;
  /** Nothing before this is made up for, milliseconds since the epoch. */
  readonly fromMs: number;
  /** Times up to this are done with; null until what is remembered was read. */
  sinceMs: number | null;
  lastFiredMs: number | null;
  next: { readonly atMs: number; readonly fireMs: number } | null;
  events: number;
}

/**
 * Every schedule, on one timer. After a restart, a stall or a jump of the clock each fires at most once for all that it missed, with the last of the
 * missed times; set back, the clock does not make a time come twice.
 */
export class ScheduleSource implements TriggerSource<'schedule'> {
  readonly kind = 'schedule';
  readonly #deps: ScheduleDeps;
  readonly #entries = new Map<string, Entry>();
  #heap = emptyHeap();
  /** Not yet read from the store. */
  #unread: Entry[] = [];
  #timer: Timer | null = null;
  #busy: Promise<void> | null = null;
  #trouble: string | null = null;
  #closed = false;
  /** What the clock said when it was last looked at. */
  #seenMs = -Infinity;

  constructor(deps: ScheduleDeps) {
    this.#deps = deps;
  }

  /** The schema of the manifest has checked everything. */
  check(): void {}

  identity({ name, cron, rate, at, everySeconds, timezone }: TriggerConfiguration<'schedule'>): string {
    return name === undefined ? JSON.stringify([cron, rate, at, everySeconds, timezone]) : `name ${name}`;
  }

  /** `fromMs`: when it came to be as it is, where that is not what its intervals count from. */
  start(record: TriggerRecord<'schedule'>, fromMs = record.changedAtMs): void {
    const before = this.#entries.get(record.id);
    const entry: Entry = {
      record,
      plan: new Plan(record),
      // A time whose moment within its window is still to come is not lost for a change of what it brings.
      fromMs: before !== undefined && haveSameTimes(before.record, record) ? before.fromMs : fromMs,
      sinceMs: null,
      lastFiredMs: before?.lastFiredMs ?? null,
      next: null,
      events: before?.events ?? 0,
    };
    this.#entries.set(record.id, entry);
    if (record.configuration.enabled === false) return;
    this.#unread.push(entry);
    this.#arm(0);
  }

  async stop(id: string): Promise<void> {
    this.#entries.delete(id);
    await this.#busy;
  }

  async remove(record: TriggerRecord<'schedule'>): Promise<void> {
    await this.stop(record.id);
  }

  status(id: string): TriggerStatus | null {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const { record, lastFiredMs, next, events } = entry;
    return {
      ...this.#stateOf(entry),
      subject: subjectOf(record.configuration),
      lastFiredMs,
      nextMs: next?.fireMs ?? null,
      lagBytes: null,
      events,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#busy;
    this.#entries.clear();
  }

  #stateOf(entry: Entry): Pick<TriggerStatus, 'state' | 'detail'> {
    if (entry.record.configuration.enabled === false) return { state: 'disabled', detail: null };
    if (this.#trouble !== null) return { state: 'waiting', detail: this.#trouble };
    if (entry.sinceMs === null) return { state: 'starting', detail: null };
    return entry.next === null ? { state: 'ended', detail: 'no further time is due' } : { state: 'running', detail: null };
  }

  #arm(ms: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.after(Math.max(0, Math.min(ms, LOOK_MS)), () => {
      this.#timer = null;
      this.#busy ??= this.#round().finally(() => {
        this.#busy = null;
      });
    });
  }

  /** Reads what is new, fires what is due, and sets the timer for the next. Never rejects. */
  async #round(): Promise<void> {
    try {
      await this.#read();
      this.#followClock();
      await this.#fireDue();
      this.#trouble = null;
      const next = this.#unread.length > 0 ? 0 : (this.#heap.peek()?.next?.fireMs ?? Infinity) - this.#deps.clock.now();
      this.#arm(next);
    } catch (err) {
      if (this.#trouble === null) this.#deps.log.warn({ err }, 'schedules wait for the database');
      this.#trouble = `waits for the database: ${err instanceof Error ? err.message : String(err)}`;
      this.#arm(AGAIN_MS);
    }
  }

  async #read(): Promise<void> {
    const unread = this.#unread.filter((e) => this.#runs(e));
    if (unread.length === 0) {
      this.#unread = [];
      return;
    }
    const last = await this.#deps.ledger.lastFired(unread.map((e) => e.record.id));
    this.#unread = this.#unread.filter((e) => !unread.includes(e));
    const now = this.#deps.clock.now();
    for (const entry of unread) {
      entry.lastFiredMs = last.get(entry.record.id) ?? null;
      entry.sinceMs = entry.plan.since(Math.max(entry.lastFiredMs ?? 0, entry.fromMs), now);
      this.#await(entry);
    }
  }

  /** Once a clock that ran far ahead was set right: what is done with in a future that was none goes on from now, as it would after a restart. */
  #followClock(): void {
    const [now, seen] = [this.#deps.clock.now(), this.#seenMs];
    this.#seenMs = now;
    if (now >= seen) return;
    const entries = [...this.#entries.values()];
    const silent = entries.filter((e) => e.sinceMs !== null && e.plan.since(e.sinceMs, now) !== e.sinceMs);
    if (silent.length === 0) return;
    this.#deps.log.warn({ schedules: silent.length }, 'the clock was set back from far ahead: schedules go on from now');
    for (const entry of silent) entry.next = null;
    this.#heap = emptyHeap();
    for (const entry of entries) if (entry.next !== null) this.#heap.push(entry);
    for (const entry of silent) {
      entry.sinceMs = now;
      this.#await(entry);
    }
  }

  /** Puts a schedule where its next time belongs. */
  #await(entry: Entry): void {
    entry.next = entry.plan.next(entry.sinceMs ?? this.#deps.clock.now());
    if (entry.next === null) this.#deps.ended?.(entry.record.id);
    else this.#heap.push(entry);
  }

  #runs(entry: Entry): boolean {
    return !this.#closed && this.#entries.get(entry.record.id) === entry;
  }

  async #fireDue(): Promise<void> {
    for (;;) {
      const batch = this.#takeDue(this.#deps.clock.now());
      if (batch.length === 0) return;
      try {
        await this.#deps.ledger.fire(batch.flatMap(({ firings }) => firings));
      } catch (error) {
        for (const { entry } of batch) this.#heap.push(entry);
        throw error;
      }
      for (const { entry, atMs, firings } of batch) {
        entry.sinceMs = atMs;
        entry.lastFiredMs = atMs;
        entry.events += firings.length;
        if (this.#runs(entry)) this.#await(entry);
      }
    }
  }

  /** Takes the schedules whose moment has come off the heap; of each, the one time that it fires for. */
  #takeDue(nowMs: number): { readonly entry: Entry; readonly atMs: number; readonly firings: readonly Firing[] }[] {
    const batch = [];
    while (batch.length < BATCH && (this.#heap.peek()?.next?.fireMs ?? Infinity) <= nowMs) {
      const entry = this.#heap.pop();
      if (entry === undefined || entry.next === null || !this.#runs(entry)) continue;
      const atMs = entry.plan.due(entry.sinceMs ?? nowMs, nowMs) ?? entry.next.atMs;
      const deliveries = this.#deps.deliveries?.(entry.record, atMs) ?? [scheduleDelivery(entry.record, atMs)];
      batch.push({ entry, atMs, firings: deliveries.map((delivery) => ({ triggerId: entry.record.id, atMs, delivery })) });
    }
    return batch;
  }
}

/** Whether two schedules that run are due at the same times, whenever they came to be. */
function haveSameTimes(a: TriggerRecord<'schedule'>, b: TriggerRecord<'schedule'>): boolean {
  const times = ({ configuration: c }: TriggerRecord<'schedule'>): string =>
    JSON.stringify([c.cron, c.at, c.rate, c.everySeconds, c.timezone, c.start, c.end, c.enabled !== false]);
  const { enabled, cron, at, start } = a.configuration;
  return enabled !== false && (cron ?? at ?? start) !== undefined && times(a) === times(b);
}

function emptyHeap(): Heap<Entry> {
  return new Heap((a, b) => (a.next?.fireMs ?? Infinity) < (b.next?.fireMs ?? Infinity));
}

function subjectOf({ cron, rate, at, everySeconds, timezone }: TriggerConfiguration<'schedule'>): string {
  const when = cron ?? rate ?? (at === undefined ? `every ${everySeconds} s` : at);
  return timezone === undefined ? when : `${when} ${timezone}`;
}
