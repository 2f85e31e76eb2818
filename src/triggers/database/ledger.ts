import type { Sharing } from '../../model/batch-contract.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import type { Place } from './lsn.ts';

/** What is remembered of a trigger's stream. */
export interface StreamState {
  readonly place: Place;
  /** The rows that were there at the beginning are in the ledger, or were not wanted. */
  readonly backfilled: boolean;
  /** How what was last put into the ledger was shared out; null: that is not known. */
  readonly sharing: Sharing | null;
}

/** What streams of changes remember; satisfied by the store. */
export interface ChangeLedger {
  /** Null for a trigger whose stream never began. */
  state(triggerId: string): Promise<StreamState | null>;
  /**
   * Puts deliveries into the ledger and remembers how far the stream is, all in one transaction: durable when it resolves.
   * Rejects with HearthError ServiceUnavailable when the database is away.
   */
  append(triggerId: string, deliveries: readonly NewDelivery[], state: StreamState): Promise<void>;
  /** Gives what is not finished of orders that begin so to a function, if it is another's. Rejects as `append` does. */
  readdress(orderPrefix: string, to: { readonly functionId: string; readonly qualifier: string | null }): Promise<void>;
}
