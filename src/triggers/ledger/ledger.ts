import type { AttemptRecord, FailureReason } from '../../model/delivery-outcome.ts';
import type { NewDelivery } from '../../model/delivery.ts';

/** A delivery that this server has taken to run. It is its alone until it is finished, released, or its lease ends. */
export interface Claimed extends Omit<NewDelivery, 'id' | 'requestId' | 'clientContext'> {
  readonly seq: string;
  readonly eventId: string;
  /** What it is shared out by: its function, or its destination. */
  readonly lane: string;
  readonly requestId: string;
  readonly clientContext: string;
  /** This attempt's number, from 1; never used twice, whatever happens to the server. */
  readonly attempt: number;
  /** How long it had been queued when it was claimed, milliseconds. */
  readonly ageMs: number;
  /** Attempts since it was queued that the function failed, and that did not reach it. */
  readonly functionErrors: number;
  readonly systemErrors: number;
}

/** What becomes of a delivery after an attempt. */
export type NextStep =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly reason: FailureReason }
  | { readonly kind: 'again'; readonly delayMs: number; readonly functionErrors: number; readonly systemErrors: number };

/** An attempt's end, to be written down. */
export interface Finished {
  readonly claimed: Claimed;
  readonly record: AttemptRecord;
  readonly next: NextStep;
  /** Deliveries that the outcome makes: they are in the ledger exactly when the outcome is. */
  readonly outcomes: readonly NewDelivery[];
}

/** How many deliveries of a lane are wanted. */
export interface Want {
  readonly lane: string;
  readonly most: number;
}

/**
 * The queue side of the ledger. All reject with HearthError ServiceUnavailable while the database is away; nothing is lost then: a claim whose
 * answer was lost ends with its lease, and what was not written as finished is run again.
 */
export interface Ledger {
  /** Lanes that have something due, at most `limit`. */
  readyLanes(limit: number): Promise<string[]>;
  /** Takes what is due, the longest due first, about `bytes` of payloads at most; never two of one order key. */
  claim(wants: readonly Want[], bytes: number): Promise<Claimed[]>;
  /** Writes attempts down, and lets out the next of each order key that is done. One that is no longer ours is ignored. */
  finish(finished: readonly Finished[]): Promise<void>;
  /** Gives back what was claimed and not run to its end: it is due at once. */
  release(claimed: readonly Claimed[]): Promise<void>;
  /** Prolongs the leases of what runs. */
  renew(seqs: readonly string[]): Promise<void>;
  /** Makes what has lost its worker due again: when `all`, every one that is claimed (there is no other server), else those whose lease has ended. Returns how many. */
  reclaim(all: boolean): Promise<number>;
  /** Calls back with the lane of new work, or null when any lane may have some; returns the way to stop. */
  listen(listener: (lane: string | null) => void): () => Promise<void>;
}
