import type { Kysely } from 'kysely';
import type { DeliveryIntake, NewDelivery } from '../model/delivery.ts';
import { databaseError } from './database-error.ts';
import { insertDeliveries } from './deliveries.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** Most that one statement writes: a batch beyond it waits for the next. A single call is never divided. */
const BATCH = { deliveries: 500, bytes: 4 * 1024 * 1024 };

/** Commits under way at once: while one waits for the disk, the next is gathered. */
const COMMITS = 2;

interface Call {
  readonly deliveries: readonly NewDelivery[];
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Puts deliveries into the ledger with few commits: calls that come while one is being written share the next. When a batch is refused for what one
 * call holds, the calls are tried one by one, so that nobody fails for another's doing.
 */
export class GroupIntake implements DeliveryIntake {
  readonly #db: Kysely<Database>;
  readonly #run: Run;
  #waiting: Call[] = [];
  #committing = 0;

  constructor(db: Kysely<Database>, run: Run) {
    this.#db = db;
    this.#run = run;
  }

  accept(deliveries: readonly NewDelivery[]): Promise<void> {
    if (deliveries.length === 0) return Promise.resolve();
    const bytes = deliveries.reduce((sum, d) => sum + d.payload.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ deliveries, bytes, resolve, reject });
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#committing < COMMITS && this.#waiting.length > 0) {
      this.#committing++;
      void this.#commit(this.#take()).finally(() => {
        this.#committing--;
        this.#pump();
      });
    }
  }

  #take(): Call[] {
    let count = 0;
    let bytes = 0;
    let calls = 0;
    for (const call of this.#waiting) {
      if (calls > 0 && (count + call.deliveries.length > BATCH.deliveries || bytes + call.bytes > BATCH.bytes)) break;
      count += call.deliveries.length;
      bytes += call.bytes;
      calls++;
    }
    return this.#waiting.splice(0, calls);
  }

  async #commit(calls: readonly Call[]): Promise<void> {
    try {
      await this.#write(calls.flatMap((c) => c.deliveries));
      for (const call of calls) call.resolve();
    } catch (error) {
      if (calls.length === 1 || databaseError(error).code === 'ServiceUnavailable') for (const call of calls) call.reject(error);
      else for (const call of calls) await this.#commit([call]);
    }
  }

  #write(deliveries: readonly NewDelivery[]): Promise<void> {
    return this.#run(() => insertDeliveries(this.#db, deliveries));
  }
}
