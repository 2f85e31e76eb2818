import type { Claimed } from '../ledger/ledger.ts';
import type { Progress } from './policies/progress.ts';

/** Whose batches of a trigger are. */
export interface BatchOwner {
  readonly functionId: string;
  readonly qualifier: string | null;
}

/** What is remembered of batches beside the ledger. What resolves is durable; all reject with HearthError ServiceUnavailable while the database is away. */
export interface BatchStore {
  /** How far a delivery is; null when it was not begun, or went well as a whole. */
  load(seq: string): Promise<Progress | null>;
  /** Remembers, or with null forgets. */
  save(seq: string, progress: Progress | null): Promise<void>;
  /** Makes due now what waits of orders that begin so: who waited for its mapping need not wait any longer. */
  hurry(orderPrefix: string, functionId: string): Promise<void>;
  /** Gives all that is not finished of orders that begin so to another function: what runs stays where it runs, and is the other's when it is tried again. */
  readdress(orderPrefix: string, to: BatchOwner): Promise<void>;
  /** Whether something that came before a delivery, and was shared out to other orders of its trigger than those that begin so, is still to be run. */
  isBehind(claimed: Pick<Claimed, 'seq' | 'lane' | 'qualifier'>, orders: { readonly all: string; readonly own: string }): Promise<boolean>;
}
