import type { Clock } from '../lib/clock.ts';
import { TokenBuckets } from '../lib/token-buckets.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { throttled } from '../model/throttled.ts';

/** Most calls a second; null: no limit. */
export interface CallRateLimits {
  /** Of all functions that have no reserved concurrency. */
  readonly callsPerSecond: number | null;
  /** For each of a function's reserved concurrency. */
  readonly callsPerReserved: number | null;
}

/** A key that is no function's id. */
const UNRESERVED = '';

/**
 * How often functions may be called by who waits for the answer, as Lambda limits it: a function with reserved concurrency by that, all others together.
 * Events have no such limit, there and here.
 */
export class CallRates {
  readonly #limits: CallRateLimits;
  readonly #buckets: TokenBuckets;

  constructor(limits: CallRateLimits, clock: Clock) {
    this.#limits = limits;
    this.#buckets = new TokenBuckets(clock);
  }

  /** Counts a call. Throws HearthError TooManyRequestsException, with Lambda's reason, when it is one too many. */
  take({ functionId, scaling: { max } }: FunctionVersion): void {
    const { callsPerSecond, callsPerReserved } = this.#limits;
    if (max === null) {
      if (callsPerSecond !== null && !this.#buckets.take(UNRESERVED, callsPerSecond))
        throw throttled('FunctionInvocationRateLimitExceeded');
      // With nothing reserved none may run, which says more than that none may be called.
    } else if (callsPerReserved !== null && max > 0 && !this.#buckets.take(functionId, max * callsPerReserved))
      throw throttled('ReservedFunctionInvocationRateLimitExceeded');
  }
}
