import type { FunctionVersion } from '../../model/function-version.ts';

/** Why a version with a wrapper script has no snapshot. */
export const WRAPPED =
  'AWS_LAMBDA_EXEC_WRAPPER: the wrapper script starts the runtime, so each instance runs it and its own init phase; without the variable it would be forked';

/** The wrapper script of a version, or null. */
export function wrapperOf(version: FunctionVersion): string | null {
  const wrapper = version.environment['AWS_LAMBDA_EXEC_WRAPPER'] ?? '';
  return wrapper === '' ? null : wrapper;
}
