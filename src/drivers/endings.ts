import { InitFailure } from '../fleet/driver.ts';
import { failureDocument } from '../model/error-document.ts';
import { exitWords } from '../model/exit-words.ts';
import type { ExitStatus } from '../model/instance.ts';

/** Whose init phase it was, and how long it ran. Lambda's texts begin with a request id: until there is one, the instance's stands for it. */
interface InitAt {
  readonly requestId: string;
  readonly durationMs: number;
}

/** The init phase failed; `message` is what Lambda says after `RequestId: … Error: `. */
export function initFailed(errorType: string, message: string, { requestId, durationMs }: InitAt): InitFailure {
  return new InitFailure(errorType, failureDocument(errorType, message, requestId), durationMs);
}

/** The process ended during its init phase. */
export function initExited(status: ExitStatus, at: InitAt): InitFailure {
  return initFailed('Runtime.ExitError', exitWords(status), at);
}

/** The init phase took too long. */
export function initTimedOut(limitMs: number, at: InitAt): InitFailure {
  return initFailed('Sandbox.Timedout', `Task timed out after ${(limitMs / 1000).toFixed(2)} seconds`, at);
}

/** The answer was longer than a caller may get, in Lambda's words. */
export function answerTooLarge(limitBytes: number): { errorType: string; body: Buffer } {
  const errorType = 'Function.ResponseSizeTooLarge';
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${limitBytes} bytes).`;
  return { errorType, body: Buffer.from(JSON.stringify({ errorType, errorMessage })) };
}
