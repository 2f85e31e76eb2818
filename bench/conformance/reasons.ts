interface Reason {
  /** What the recording's name contains. */
  readonly part: string;
  readonly why: string;
  /** Which differences the reason is for; others are told beside it. Left out: all. */
  readonly at?: RegExp;
}

/** Why a recording can't be matched. */
const REASONS: readonly Reason[] = [
  {
    part: 'test_lambda_invoke_timed_out_environment_reuse',
    why: 'after a timeout AWS starts the process anew in the same environment, so that /tmp survives; here the instance ends. The recorded text of the timeout is an older one',
  },
  {
    part: 'test_lambda_permission_revisions',
    why: 'recorded in 2022: a policy then shared its revision with the function; the recording of 2025 (fn_versioning) contradicts it, and is matched',
  },
  {
    part: 'test_publish_with_update',
    why: 'AWS was still making the version when it was asked for it (`Pending`, `InProgress`); here a version is active at once',
    at: /\.(RevisionId|State|StateReason|StateReasonCode|LastUpdateStatus|LastUpdateStatusReason|LastUpdateStatusReasonCode)\b/,
  },
  {
    part: 'test_object_created_put_with_presigned_url_upload',
    why: 'needs a second region, and a server here has one; what concerns the first is alike',
    at: /^receive_messages_region_2 was not compared/,
  },
  {
    part: 'test_object_created_put_versioned',
    why: 'S3 says that it encrypts what it stores (`ServerSideEncryption`), which Hearth does not; all else is alike',
    at: /\.ServerSideEncryption/,
  },
  { part: 'test_lambda_url_invocation_custom_id', why: 'nothing was recorded: AWS lets nobody choose the id of a URL' },
  { part: 'test_object_put_acl', why: 'needs access control lists, which are no part of Hearth (new buckets of S3 have them off)' },
  { part: 'via_dynamodb', why: 'needs DynamoDB, which is no part of Hearth' },
  { part: 'test_restore_object', why: 'needs archived storage (Glacier), which is no part of Hearth' },
];

/** The reason that is known for what differs in a recording, or null. */
export function reasonFor(name: string, differences: readonly string[]): string | null {
  const found = REASONS.find(({ part }) => name.includes(part));
  if (found === undefined) return null;
  const { at, why } = found;
  const others = at === undefined ? [] : differences.filter((difference) => !at.test(difference));
  return others.length === 0 ? why : `${others.slice(0, 3).join('; ')} (beside what is known: ${why})`;
}
