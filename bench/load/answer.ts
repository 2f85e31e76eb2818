/** The little of an HTTP/1.1 answer that a measurement needs. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  header(name: string): string | null;
}

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/**
 * The answer at the start of `bytes`; null while it is not complete. Knows Content-Length and chunked bodies, which is
 * all that servers here send, and one answer at a time: nothing here pipelines. Throws when `bytes` is something else.
 */
export function readAnswer(bytes: Buffer): HttpAnswer | null {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return null;
  const head = bytes.toString('latin1', 0, headEnd);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw new Error(`not an HTTP/1.1 answer: ${head.slice(0, 60)}`);
  const lower = head.toLowerCase();
  const header = (name: string): string | null => findHeader(head, lower, name);
  const body = bytes.subarray(headEnd + HEAD_END.length);
  const length = header('content-length');
  if (length !== null) return body.length < Number(length) ? null : { status, body: body.subarray(0, Number(length)), header };
  if (status === 204) return { status, body: Buffer.alloc(0), header };
  if (header('transfer-encoding') === null) throw new Error('an answer without a length');
  if (!body.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) return null;
  return { status, body: unchunk(body), header };
}

/** By hand: this runs a few times for each of some ten thousand answers a second. `lower` is the head in lower case, as `name` is. */
function findHeader(head: string, lower: string, name: string): string | null {
  const at = lower.indexOf(`\r\n${name}:`);
  if (at === -1) return null;
  const end = lower.indexOf('\r\n', at + 2);
  return head.slice(at + name.length + 3, end === -1 ? undefined : end).trim();
}

function unchunk(chunked: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = chunked.indexOf('\r\n', at);
    const size = Number.parseInt(chunked.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(chunked.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
