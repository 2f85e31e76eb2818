import { answerHead, type UrlHead } from './answer-head.ts';

/** The media type under which an answer begins with its status, headers and cookies, as JSON and eight zeros. */
export const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';

const DELIMITER = Buffer.alloc(8);
/** Longest prelude; what is longer is none. */
const PRELUDE_BYTES = 64 * 1024;

/**
 * Takes the prelude off the beginning of an answer: what it says and what follows it. `more` when its end has not come yet, null when it is
 * none: too long, no JSON object, or not what a response can be.
 */
export function cutPrelude(bytes: Buffer): { readonly head: UrlHead; readonly rest: Buffer } | 'more' | null {
  const end = bytes.subarray(0, PRELUDE_BYTES + DELIMITER.length).indexOf(DELIMITER);
  if (end < 0) return bytes.length > PRELUDE_BYTES ? null : 'more';
  const head = read(bytes.subarray(0, end));
  return head === null ? null : { head, rest: bytes.subarray(end + DELIMITER.length) };
}

function read(json: Buffer): UrlHead | null {
  try {
    const prelude: unknown = JSON.parse(json.toString('utf8'));
    if (typeof prelude !== 'object' || prelude === null || Array.isArray(prelude)) return null;
    return answerHead({ statusCode: 200, ...prelude }, 'application/octet-stream');
  } catch {
    return null;
  }
}
