/** What counts against a function's reserved concurrency. */
export interface ConcurrencyObservation {
  readonly inFlight: number;
  readonly queued: number;
  readonly concurrency: number;
  /** Most instances; null = no limit of its own. */
  readonly max: number | null;
}

/** Whether one more invocation is within the function's reserved concurrency: `max` instances times their concurrency. */
export function withinFunctionLimit(o: ConcurrencyObservation): boolean {
  return o.max === null || o.inFlight + o.queued < o.max * o.concurrency;
}
