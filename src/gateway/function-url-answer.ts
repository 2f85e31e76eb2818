/** An HTTP answer made of what a handler returned. */
export interface UrlAnswer {
  readonly status: number;
  readonly headers: Record<string, string | readonly string[]>;
  readonly body: Buffer;
}

/**
 * Reads a handler's result as payload format 2.0 has it: an object with `statusCode` is a response; anything else is the body of a
 * 200 with content type application/json. Null when it is neither JSON nor a valid response (the caller answers 502).
 */
export function functionUrlAnswer(result: Buffer): UrlAnswer | null {
  let value: unknown;
  try {
    value = JSON.parse(result.toString('utf8'));
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('statusCode' in value))
    return { status: 200, headers: { 'content-type': 'application/json' }, body: inferred(value, result) };
  const { statusCode, headers, cookies, body, isBase64Encoded } = value as Record<string, unknown>;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) return null;
  const out: Record<string, string | readonly string[]> = { 'content-type': 'application/json' };
  for (const [name, v] of Object.entries((headers ?? {}) as Record<string, unknown>))
    if (allowed(name, v)) out[name.toLowerCase()] = String(v);
  if (Array.isArray(cookies)) out['set-cookie'] = cookies.map(String);
  return { status, headers: out, body: payload(body, isBase64Encoded === true) };
}

/** A bare string is the body itself; everything else is sent as the JSON that it is, without spaces, as on Lambda. */
function inferred(value: unknown, result: Buffer): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  return value === null ? Buffer.alloc(0) : Buffer.from(compact(result.toString('utf8')));
}

/** JSON without what is between its tokens; numbers stay as they were written. */
function compact(json: string): string {
  return json.replace(/("(?:\\.|[^"\\])*")|\s+/g, '$1');
}

function payload(body: unknown, base64: boolean): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body, base64 ? 'base64' : 'utf8');
  // Lambda wants a string here; an object is what everyone means by JSON, so it is sent as such.
  return Buffer.from(JSON.stringify(body));
}

const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'te',
  'proxy-authenticate',
]);
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a header may be passed on: a valid name and value, and not one that belongs to the connection. */
function allowed(name: string, value: unknown): boolean {
  return NAME.test(name) && !HOP_BY_HOP.has(name.toLowerCase()) && !/[\r\n\0]/.test(String(value));
}
