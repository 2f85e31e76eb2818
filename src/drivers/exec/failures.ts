import type { InitFailure } from '../../fleet/driver.ts';
import { initFailed } from '../endings.ts';

/** Lambda's error document of what a runtime did to an invocation. */
export function errorDocument(errorType: string, errorMessage: string): Buffer {
  return Buffer.from(JSON.stringify({ errorType, errorMessage }));
}

/** The bootstrap can't be executed; `code` is the system's. */
export function invalidEntrypoint(path: string, code: string, requestId: string): InitFailure {
  const reasons: Record<string, string> = {
    EACCES: 'permission denied',
    ENOEXEC: 'exec format error',
    interpreter: 'no such file or directory',
  };
  const reason = reasons[code];
  const message = reason === undefined ? `Couldn't find valid bootstrap(s): [${path}]` : `fork/exec ${path}: ${reason}`;
  return initFailed('Runtime.InvalidEntrypoint', message, { requestId, durationMs: 0 });
}
