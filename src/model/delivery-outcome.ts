/** Why a delivery was given up. */
export type FailureReason =
  | 'RetriesExhausted'
  | 'EventAgeExceeded'
  /** Lambda's word for a function whose reserved concurrency is 0. */
  | 'ZeroReservedConcurrency'
  | 'LoopStopped'
  | 'FunctionGone'
  | 'TriggerGone'
  | 'ReturnedToQueue'
  | 'DestinationRefused';

/** How one attempt ended: the function returned, failed, or was not reached (a limit; our own failure). */
export type AttemptOutcome = 'ok' | 'function_error' | 'throttled' | 'system_error' | 'not_tried';

/** One attempt as the ledger keeps it. */
export interface AttemptRecord {
  readonly attempt: number;
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly outcome: AttemptOutcome;
  /** Lambda's error type or our error's code; '' when it went well. */
  readonly errorType: string;
  /** What went wrong, at most 1,000 characters. */
  readonly message: string;
}

/** Where a delivery is: waiting behind another of its key, waiting for its time, running, or finished. */
export type DeliveryState = 'held' | 'ready' | 'running' | 'succeeded' | 'failed';
