import { HearthError } from '../errors.ts';

/** Lambda's reasons for a 429. Those of rates, and of snapshots, occur where the configuration sets such a limit. */
export type ThrottleReason =
  | 'ReservedFunctionConcurrentInvocationLimitExceeded'
  | 'ConcurrentInvocationLimitExceeded'
  | 'ReservedFunctionInvocationRateLimitExceeded'
  | 'FunctionInvocationRateLimitExceeded'
  | 'CallerRateLimitExceeded'
  | 'ConcurrentSnapshotCreateLimitExceeded';

/** The 429 of Lambda, with its `Reason`. */
export function throttled(reason: ThrottleReason): HearthError {
  return new HearthError('TooManyRequestsException', 'Rate Exceeded.', { details: { Reason: reason, Type: 'User' } });
}
