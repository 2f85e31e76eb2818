import { answerHead, type UrlHead } from './answer-head.ts';
import { cutPrelude } from './prelude.ts';

/** An HTTP answer made of what a handler returned. */
export interface UrlAnswer extends UrlHead {
  readonly body: Buffer;
}

/**
 * Reads a handler's result as payload format 2.0 has it: an object with `statusCode` is a response; anything else is the body of a
 * 200 with content type application/json. Null when it is no valid response (the caller answers 502). What is not JSON was written by a handler that
 * streams, or by a custom runtime: its prelude counts, if it has one, and its bytes are the body.
 */
export function functionUrlAnswer(result: Buffer): UrlAnswer | null {
  let value: unknown;
  try {
    value = JSON.parse(result.toString('utf8'));
  } catch {
    return unparsed(result);
  }
  if (typeof value !== 'object' || value === null || !('statusCode' in value))
    return { status: 200, headers: { 'content-type': 'application/json' }, length: null, body: inferred(value, result) };
  const { body, isBase64Encoded } = value as Record<string, unknown>;
  const head = answerHead(value, 'application/json');
  const bytes = head === null ? null : payload(body, isBase64Encoded === true);
  return head === null || bytes === null ? null : { ...head, body: bytes };
}

function unparsed(result: Buffer): UrlAnswer {
  const cut = result[0] === BRACE ? cutPrelude(result) : null;
  if (cut !== null && cut !== 'more') return { ...cut.head, body: cut.rest };
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, length: null, body: result };
}

const BRACE = 0x7b;

/** A bare string is the body itself; everything else is sent as the JSON that it is, without spaces, as on Lambda. */
function inferred(value: unknown, result: Buffer): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  return value === null ? Buffer.alloc(0) : Buffer.from(compact(result.toString('utf8')));
}

/** JSON without what is between its tokens; numbers stay as they were written. */
function compact(json: string): string {
  return json.replace(/("(?:\\.|[^"\\])*")|\s+/g, '$1');
}

/** Null for what can be read as JSON but not be written: it is too deep. */
function payload(body: unknown, base64: boolean): Buffer | null {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body, base64 ? 'base64' : 'utf8');
  // Lambda wants a string here; an object is what everyone means by JSON, so it is sent as such.
  try {
    return Buffer.from(JSON.stringify(body));
  } catch {
    return null;
  }
}
