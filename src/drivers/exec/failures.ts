import { exitWords } from '../../model/exit-words.ts';
import type { ExitStatus } from '../../model/instance.ts';
import { InitFailure } from '../../fleet/driver.ts';

/** Lambda's error document as bytes. */
export function errorDocument(errorType: string, errorMessage: string): Buffer {
  return Buffer.from(JSON.stringify({ errorType, errorMessage }));
}

/** Whose init phase it was, and how long it ran. Lambda's texts begin with a request id: until there is one, the instance's stands for it. */
export interface InitAt {
  readonly requestId: string;
  readonly durationMs: number;
}

/** The init phase ended with the process. */
export function exitedInInit(status: ExitStatus, at: InitAt): InitFailure {
  return failure('Runtime.ExitError', `Error: ${exitWords(status)}`, at);
}

export function timedOutInInit(limitMs: number, at: InitAt): InitFailure {
  return failure('Sandbox.Timedout', `Error: Task timed out after ${(limitMs / 1000).toFixed(2)} seconds`, at);
}

/** The bootstrap can't be executed; `code` is the system's. */
export function invalidEntrypoint(path: string, code: string, requestId: string): InitFailure {
  const reasons: Record<string, string> = {
    EACCES: 'permission denied',
    ENOEXEC: 'exec format error',
    interpreter: 'no such file or directory',
  };
  const reason = reasons[code];
  const message = reason === undefined ? `Error: Couldn't find valid bootstrap(s): [${path}]` : `Error: fork/exec ${path}: ${reason}`;
  return failure('Runtime.InvalidEntrypoint', message, { requestId, durationMs: 0 });
}

function failure(errorType: string, message: string, { requestId, durationMs }: InitAt): InitFailure {
  return new InitFailure(errorType, errorDocument(errorType, `RequestId: ${requestId} ${message}`), durationMs);
}
