import { InitFailure, InstanceExited, type Answer } from '../fleet/driver.ts';
import { documentMessage, errorType as plainType, failureDocument } from '../model/error-document.ts';
import { exitWords } from '../model/exit-words.ts';
import type { ExitStatus } from '../model/instance.ts';
import type { Outcome } from '../model/usage.ts';

/** How an invocation ended, whatever way it did: what the caller gets and what is noted. */
export interface Ending {
  readonly outcome: Outcome;
  /** Null: returned. Else Lambda's error type, and `body` is its error document. */
  readonly errorType: string | null;
  readonly body: Buffer;
}

/** The handler answered or threw. */
export function answered(answer: Answer): Ending {
  const outcome = answer.errorType === null ? 'ok' : answer.errorType === 'Function.ResponseSizeTooLarge' ? 'too_large' : 'error';
  return { outcome, errorType: answer.errorType === null ? null : plainType(answer.errorType), body: answer.body };
}

/** The function's timeout passed; Lambda's text, seconds with two decimals. */
export function timedOut(requestId: string, timeoutMs: number): Ending {
  const errorType = 'Sandbox.Timedout';
  const message = `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
  return { outcome: 'timeout', errorType, body: failureDocument(errorType, message, requestId) };
}

/** The instance ended under the invocation. */
function crashed(requestId: string, status: ExitStatus): Ending {
  const errorType = 'Runtime.ExitError';
  return { outcome: 'crash', errorType, body: failureDocument(errorType, exitWords(status), requestId) };
}

/** The init phase that the invocation waited for failed. */
export function initFailed(requestId: string, failure: InitFailure): Ending {
  // A process that died or hung in its init phase could not know whose invocation it would have been.
  const message = documentMessage(failure.body);
  const body = message?.startsWith('RequestId: ') === true ? renamed(failure.body, message, requestId) : failure.body;
  return { outcome: failure.errorType === 'Sandbox.Timedout' ? 'timeout' : 'init_error', errorType: failure.errorType, body };
}

function renamed(document: Buffer, message: string, requestId: string): Buffer {
  const errorMessage = message.replace(/^RequestId: \S*/, `RequestId: ${requestId}`);
  try {
    return Buffer.from(JSON.stringify({ ...(JSON.parse(document.toString()) as object), errorMessage }));
  } catch {
    return document; // a custom runtime's, too deep to be written anew
  }
}

/** An `invoke` that rejected: the instance exited, or something that is not the function's doing (rethrown). */
export function broken(requestId: string, error: unknown): Ending {
  if (error instanceof InstanceExited) return crashed(requestId, error.status);
  throw error;
}
