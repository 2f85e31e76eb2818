import type { AttemptOutcome, FailureReason } from '../../../model/delivery-outcome.ts';
import type { NextStep } from '../ledger.ts';

/** What is known of a delivery when an attempt has ended (or is not to be made). */
export interface AttemptObservation {
  readonly outcome: AttemptOutcome;
  /** How long it has been queued, milliseconds. */
  readonly ageMs: number;
  /** Attempts before this one that the function failed. */
  readonly functionErrors: number;
  /** Attempts before this one that did not reach the function. */
  readonly systemErrors: number;
}

/** What the function's owner allows: Lambda's MaximumRetryAttempts (0-2) and MaximumEventAgeInSeconds. */
export interface RetryLimits {
  readonly retries: number;
  readonly maxAgeMs: number;
  /** What holds instead while the function, or the queue, was not reached; left out: only the age does. */
  readonly undelivered?: { readonly retries: number; readonly maxAgeMs: number };
}

/** Lambda waits one minute before the first retry of a function's error and two before the second. */
const FUNCTION_DELAYS_MS = [60_000, 120_000];

const SYSTEM_DELAY_MS = { first: 1_000, most: 300_000 };

/**
 * What comes after an attempt. A function's error is retried after one and after two minutes; what did not reach the function is retried from one
 * second on, each time twice as long up to five minutes, and at most half of what is left of the event's greatest age, so that it is tried to the end of that; neither
 * beyond it, which is found out as soon as it is certain.
 */
export function nextStep(o: AttemptObservation, limits: RetryLimits): NextStep {
  switch (o.outcome) {
    case 'ok':
      return { kind: 'succeeded' };
    case 'not_tried':
      return given('EventAgeExceeded');
    case 'function_error': {
      if (o.functionErrors >= limits.retries) return given('RetriesExhausted');
      const delayMs = FUNCTION_DELAYS_MS[Math.min(o.functionErrors, FUNCTION_DELAYS_MS.length - 1)] ?? 0;
      if (o.ageMs + delayMs > limits.maxAgeMs) return given('EventAgeExceeded');
      return { kind: 'again', delayMs, functionErrors: o.functionErrors + 1, systemErrors: 0 };
    }
    case 'throttled':
    case 'system_error': {
      // A function that has no place for an event has been reached: what it does then is its owner's to say.
      const undelivered = o.outcome === 'system_error' && o.functionErrors === 0 ? limits.undelivered : undefined;
      if (undelivered !== undefined && o.systemErrors >= undelivered.retries) return given('RetriesExhausted');
      const leftMs = (undelivered ?? limits).maxAgeMs - o.ageMs;
      if (leftMs < SYSTEM_DELAY_MS.first) return given('EventAgeExceeded');
      const delayMs = Math.min(systemDelayMs(o.systemErrors), Math.max(SYSTEM_DELAY_MS.first, leftMs / 2));
      return { kind: 'again', delayMs, functionErrors: o.functionErrors, systemErrors: o.systemErrors + 1 };
    }
  }
}

/** How old a delivery may be when it is claimed: one that was never tried has reached nobody. */
export function mostAgeMs(o: Pick<AttemptObservation, 'functionErrors' | 'systemErrors'>, limits: RetryLimits): number {
  return o.functionErrors === 0 && o.systemErrors === 0 ? (limits.undelivered ?? limits).maxAgeMs : limits.maxAgeMs;
}

/** 1, 2, 4 … 256, 300, 300 seconds. */
function systemDelayMs(before: number): number {
  return Math.min(SYSTEM_DELAY_MS.first * 2 ** Math.min(before, 20), SYSTEM_DELAY_MS.most);
}

function given(reason: FailureReason): NextStep {
  return { kind: 'failed', reason };
}
