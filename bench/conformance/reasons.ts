/** Why a recording can't be matched, by what its name contains. */
const REASONS: readonly (readonly [part: string, why: string])[] = [
  [
    'test_lambda_invoke_timed_out_environment_reuse',
    'after a timeout AWS starts the process anew in the same environment, so that /tmp survives; here the instance ends. The recorded text of the timeout is an older one',
  ],
  [
    'test_lambda_permission_revisions',
    'recorded in 2022: a policy then shared its revision with the function; the recording of 2025 (fn_versioning) contradicts it, and is matched',
  ],
  [
    'test_runtime_ulimits',
    'core files would hold callers’ data, so there are none (RLIMIT_CORE); open files and processes are limited as on AWS',
  ],
  ['via_dynamodb', 'needs DynamoDB, which is no part of Hearth'],
  ['test_restore_object', 'needs archived storage (Glacier), which is no part of Hearth'],
];

/** The reason that is known for a recording, or null. */
export function reasonFor(name: string): string | null {
  return REASONS.find(([part]) => name.includes(part))?.[1] ?? null;
}
