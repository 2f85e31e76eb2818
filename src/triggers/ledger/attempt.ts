import type { AttemptOutcome, FailureReason } from '../../model/delivery-outcome.ts';
import type { Claimed, NextStep } from './ledger.ts';
import type { RetryLimits } from './policies/next-step.ts';

/** What a function or a destination made of a delivery. */
export interface Attempted {
  readonly outcome: AttemptOutcome;
  readonly errorType: string;
  readonly message: string;
  /** What comes next where the target decides that itself, having told whom it concerns; else the ledger's retries hold. */
  readonly next?: NextStep;
  /** Why there is no point in another attempt; else undefined. */
  readonly givenUp?: FailureReason;
  /** What the function answered; null when it was not reached. */
  readonly response: { readonly body: Buffer; readonly executedVersion: string; readonly functionError: string | null } | null;
}

/** Where deliveries go. Neither method throws or rejects: what went wrong is in the result. */
export interface Target {
  /** Most deliveries of a lane that may run at once. */
  most(lane: string): number;
  limits(claimed: Claimed): RetryLimits;
  attempt(claimed: Claimed): Promise<Attempted>;
}

/** An attempt that was not made. */
export function notTried(reason: FailureReason, message: string): Attempted {
  return { outcome: 'not_tried', errorType: reason, message, givenUp: reason, response: null };
}
