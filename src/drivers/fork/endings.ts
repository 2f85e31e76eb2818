import { InitFailure } from '../../fleet/driver.ts';
import type { ExitStatus } from '../../model/instance.ts';

/** What Lambda's runtime supervisor, written in Go, calls the signals. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGUSR1: 'user defined signal 1',
  SIGSEGV: 'segmentation fault',
  SIGUSR2: 'user defined signal 2',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGTERM: 'terminated',
};

/** How a runtime's end reads on Lambda, after `RequestId: … Error: `. */
export function exitWords({ code, signal }: ExitStatus): string {
  if (signal !== null) return `Runtime exited with error: signal: ${SIGNAL_WORDS[signal] ?? signal}`;
  return code === null || code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}

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
