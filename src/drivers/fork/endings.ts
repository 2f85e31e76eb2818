import { InitFailure } from '../../fleet/driver.ts';
import { exitWords } from '../../model/exit-words.ts';
import type { ExitStatus } from '../../model/instance.ts';

function failure(errorType: string, message: string, at: { requestId: string; durationMs: number }): InitFailure {
  const document = { errorType, errorMessage: `RequestId: ${at.requestId} Error: ${message}` };
  return new InitFailure(errorType, Buffer.from(JSON.stringify(document)), at.durationMs);
}

/** The process ended during its init phase. */
export function initExited(status: ExitStatus, at: { requestId: string; durationMs: number }): InitFailure {
  return failure('Runtime.ExitError', exitWords(status), at);
}

/** The init phase took too long. */
export function initTimedOut(limitMs: number, at: { requestId: string; durationMs: number }): InitFailure {
  return failure('Sandbox.Timedout', `Task timed out after ${(limitMs / 1000).toFixed(2)} seconds`, at);
}

/** The answer was longer than a caller may get, in Lambda's words. */
export function answerTooLarge(limitBytes: number): { errorType: string; body: Buffer } {
  const errorType = 'Function.ResponseSizeTooLarge';
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${limitBytes} bytes).`;
  return { errorType, body: Buffer.from(JSON.stringify({ errorType, errorMessage })) };
}
