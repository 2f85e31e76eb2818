import type { Clock } from '../../lib/clock.ts';
import type { Finished, Ledger } from './ledger.ts';
import type { RunnerLog } from './delivery-runner.ts';

/** Most ends that are written at once. */
const BATCH = 500;

/** Ends that nobody waits for are written when there are so many, or after so long, milliseconds: a statement for each costs more than running it. */
const GATHER = { count: 16, ms: 2 };

const RETRY_MS = { first: 100, last: 2_000 };

/** Writes the ends of attempts down in batches, one after the other; what can't be written is kept and tried again. */
export class FinishWriter {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #log: RunnerLog;
  #queue: Finished[] = [];
  #writing: Promise<void> = Promise.resolve();
  #active = false;
  #closing = false;
  #enough: () => void = () => {};

  constructor(ledger: Ledger, parts: { readonly clock: Clock; readonly log: RunnerLog }) {
    this.#ledger = ledger;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** How many wait to be written. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Which wait, by `seq`: until they are written they are ours as what runs is. */
  get seqs(): string[] {
    return this.#queue.map((f) => f.claimed.seq);
  }

  add(finished: Finished): void {
    this.#queue.push(finished);
    if (!this.#active) this.#writing = this.#write();
    else if (this.#isDue()) this.#enough();
  }

  /** Writes what is there; what can't be written now is lost, and so run again by the next server. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#enough();
    await this.#writing;
  }

  /** Whether somebody waits for what is there: the next of an order key, a destination, a retry. */
  #isDue(): boolean {
    if (this.#closing || this.#queue.length >= GATHER.count) return true;
    return this.#queue.some((f) => f.claimed.orderKey !== null || f.outcomes.length > 0 || f.next.kind === 'again');
  }

  async #gather(): Promise<void> {
    if (this.#isDue()) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(GATHER.ms, resolve);
      this.#enough = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#enough = () => {};
  }

  async #write(): Promise<void> {
    this.#active = true;
    let wait = RETRY_MS.first;
    while (this.#queue.length > 0) {
      await this.#gather();
      const batch = this.#queue.slice(0, BATCH);
      try {
        await this.#ledger.finish(batch);
        wait = RETRY_MS.first;
        this.#queue.splice(0, batch.length);
      } catch (err) {
        if (batch.length > 1 && (err as { code?: string }).code !== 'ServiceUnavailable') await this.#oneByOne(batch);
        else if (this.#closing) break;
        else if ((err as { code?: string }).code !== 'ServiceUnavailable') this.#drop(err);
        else {
          this.#log.warn({ err, waiting: this.#queue.length }, 'ends of deliveries could not be written; trying again');
          const ms = wait;
          await new Promise<void>((resolve) => this.#clock.after(ms, resolve));
          wait = Math.min(wait * 2, RETRY_MS.last);
        }
      }
    }
    this.#active = false;
  }

  /** One of them can't be written as it is: the others must not wait for it. Once the database is away, the rest stay for when it is back. */
  async #oneByOne(batch: readonly Finished[]): Promise<void> {
    for (const one of batch) {
      try {
        await this.#ledger.finish([one]);
        this.#queue.shift();
      } catch (err) {
        if ((err as { code?: string }).code === 'ServiceUnavailable') return;
        this.#drop(err);
      }
    }
  }

  /** Its lease ends, and it is run again. */
  #drop(err: unknown): void {
    const one = this.#queue.shift();
    this.#log.error({ err, seq: one?.claimed.seq }, 'the end of a delivery was refused');
  }
}
