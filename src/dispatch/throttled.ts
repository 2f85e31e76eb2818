import { HearthError } from '../errors.ts';

/** Lambda's reasons for a 429 that occur here. */
export type ThrottleReason = 'ReservedFunctionConcurrentInvocationLimitExceeded' | 'ConcurrentInvocationLimitExceeded';

/** The 429 of Lambda, with its `Reason`. */
export function throttled(reason: ThrottleReason): HearthError {
  return new HearthError('TooManyRequestsException', 'Rate Exceeded.', { details: { Reason: reason, Type: 'User' } });
}
