import { HearthError } from '../errors.ts';
import { BoundedQueue } from '../lib/bounded-queue.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { holdOpen } from '../lib/hold-open.ts';
import type { UsageRecord, UsageSink } from '../model/usage.ts';
import type { Log } from '../store/log.ts';
import type { UsageStore } from '../store/store.ts';

export interface UsageRecorderOptions {
  readonly store: UsageStore;
  readonly clock: Clock;
  readonly log: Log;
  /** What being killed may cost: a record older than this is in the store, or the store is away. */
  readonly flushMs: number;
  /** Records in one statement; reaching it writes at once. Small, so that under load neither the event loop nor PostgreSQL is busy for long at a time. */
  readonly batchRecords?: number;
  /** Records kept while the store is away; beyond it the oldest go, and are counted. */
  readonly capacity?: number;
  /** How long `close` goes on trying. */
  readonly closeMs?: number;
}

/** Counts since the start. */
export interface RecorderStats {
  readonly buffered: number;
  readonly written: number;
  /** Lost because the buffer was full or the store refused them. */
  readonly lost: number;
}

/** The write begins when this part of the interval is over, so that it has the rest to be done. */
const WRITE_AT = 0.8;
const RETRY_MS = { first: 100, last: 5_000 };

/**
 * Takes usage records off the hot path: `record` pushes to a buffer that is written in batches, one write at a
 * time. While the store is away it retries, and keeps what the buffer holds.
 */
export class UsageRecorder implements UsageSink {
  readonly #store: UsageStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #writeAfterMs: number;
  readonly #batch: number;
  readonly #closeMs: number;
  readonly #queue: BoundedQueue<UsageRecord>;
  /** The batch being written, out of the queue: a full queue never pushes out what is on its way. */
  #inFlight: readonly UsageRecord[] = [];
  /** When the oldest record of the queue came, or at latest; monotonic. */
  #waitingSinceMs = 0;
  #timer: Timer | null = null;
  #writing: Promise<void> | null = null;
  #retryMs = 0;
  #written = 0;
  #lost = 0;
  #overflowing = false;
  #closed = false;

  constructor(options: UsageRecorderOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#writeAfterMs = options.flushMs * WRITE_AT;
    this.#batch = options.batchRecords ?? 128;
    this.#closeMs = options.closeMs ?? 5_000;
    this.#queue = new BoundedQueue(options.capacity ?? 200_000);
  }

  record(usage: UsageRecord): void {
    if (this.#queue.length === 0) this.#waitingSinceMs = this.#clock.monotonic();
    if (this.#queue.push(usage)) this.#overflow();
    if (this.#retryMs > 0 || this.#writing !== null) return;
    if (this.#queue.length === this.#batch) this.#arm(0);
    else if (this.#timer === null) this.#arm(this.#writeAfterMs);
  }

  get stats(): RecorderStats {
    return { buffered: this.#queue.length + this.#inFlight.length, written: this.#written, lost: this.#lost };
  }

  /** Writes all that was recorded before the call, now; throws when the store is away, and then tries on by itself. */
  async flush(): Promise<void> {
    const goal = this.#written + this.#lost + this.stats.buffered;
    while (this.#written + this.#lost < goal) await this.#write();
  }

  /** Writes what is left, trying for `closeMs` when the store is away; then says what was lost. Never throws. Nothing may be recorded afterwards. */
  async close(): Promise<void> {
    const hold = holdOpen();
    let late = false;
    const deadline = new Promise<void>((resolve) => {
      this.#clock.after(this.#closeMs, () => {
        late = true;
        resolve();
      });
    });
    await Promise.race([deadline, this.#drain(() => late)]);
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
    hold.release();
    if (this.stats.buffered > 0)
      this.#log.error({ records: this.stats.buffered }, 'usage records were lost: the store was away when the server closed');
  }

  async #drain(late: () => boolean): Promise<void> {
    while (!late() && this.stats.buffered > 0) {
      try {
        await this.flush();
      } catch {
        await new Promise<void>((resolve) => this.#clock.after(RETRY_MS.first, resolve));
      }
    }
  }

  #arm(ms: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = null;
      // What failed is logged, and tried again by the timer that #failed arms.
      this.#write().catch(() => {});
    });
  }

  /** Writes one batch, or waits for the one that is being written. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeBatch().finally(() => {
      this.#writing = null;
      if (this.stats.buffered > 0) this.#arm(this.#nextWriteMs());
    });
    return this.#writing;
  }

  #nextWriteMs(): number {
    if (this.#retryMs > 0) return this.#retryMs;
    if (this.#queue.length >= this.#batch) return 0;
    return Math.max(0, this.#waitingSinceMs + this.#writeAfterMs - this.#clock.monotonic());
  }

  async #writeBatch(): Promise<void> {
    if (this.#inFlight.length === 0) {
      this.#inFlight = this.#queue.peek(this.#batch);
      this.#queue.drop(this.#inFlight.length);
    }
    if (this.#inFlight.length === 0) return;
    try {
      const refused = await this.#append(this.#inFlight);
      this.#written += this.#inFlight.length - refused;
      this.#lost += refused;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
    this.#inFlight = [];
    this.#succeeded();
  }

  /**
   * Appends, and when the store refuses the batch for what is in it, finds the culprit by halves: one bad record must
   * not hold up the others. Returns how many were refused.
   */
  async #append(records: readonly UsageRecord[]): Promise<number> {
    try {
      await this.#store.append(records);
      return 0;
    } catch (error) {
      if (!(error instanceof HearthError) || error.code !== 'InvalidParameterValueException') throw error;
      if (records.length === 1) {
        this.#log.error({ err: error, record: records[0] }, 'a usage record was lost: the store refuses it');
        return 1;
      }
      const middle = records.length >>> 1;
      return (await this.#append(records.slice(0, middle))) + (await this.#append(records.slice(middle)));
    }
  }

  #failed(error: unknown): void {
    if (this.#retryMs === 0)
      this.#log.warn({ err: error, buffered: this.stats.buffered }, 'usage can not be written; keeping it and trying on');
    this.#retryMs = Math.min(Math.max(this.#retryMs * 2, RETRY_MS.first), RETRY_MS.last);
  }

  #succeeded(): void {
    if (this.#retryMs > 0) this.#log.info({ buffered: this.stats.buffered, lost: this.#lost }, 'usage is being written again');
    this.#retryMs = 0;
    this.#overflowing = false;
  }

  #overflow(): void {
    this.#lost += 1;
    if (this.#overflowing) return;
    this.#overflowing = true;
    this.#log.error(
      { capacity: this.#queue.length },
      'the usage buffer is full: the oldest records are being lost until the database is back',
    );
  }
}
