import type { NewDelivery } from '../../model/delivery.ts';

/** One event of a schedule. */
export interface Firing {
  readonly triggerId: string;
  /** The time it was due, milliseconds since the epoch. */
  readonly atMs: number;
  readonly delivery: NewDelivery;
}

/** What schedules remember; satisfied by the store. */
export interface ScheduleLedger {
  /** The times for which schedules last fired; one that never did is left out. */
  lastFired(triggerIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Puts events into the ledger of deliveries and remembers their times, all in one transaction: durable when it resolves. A time that is not later than
   * what is remembered does not set it back. Rejects with HearthError ServiceUnavailable when the database is away.
   */
  fire(firings: readonly Firing[]): Promise<void>;
}
