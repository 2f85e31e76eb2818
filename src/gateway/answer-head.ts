/** Status and headers of an answer. */
export interface UrlHead {
  readonly status: number;
  readonly headers: Record<string, string | readonly string[]>;
  /** The length that the handler says of its body, which counts only where that is not sent; null: it says none. */
  readonly length: number | null;
}

/**
 * Status, headers and cookies as a handler names them; `contentType`: unless it says another. Null when the status can be none: one below 200 is no
 * answer, and whoever got it would take the next request's for its own.
 */
export function answerHead(value: object, contentType: string): UrlHead | null {
  const { statusCode, headers, cookies } = value as Record<string, unknown>;
  const status = Number(text(statusCode));
  if (!Number.isInteger(status) || status < 200 || status > 599) return null;
  const out: Record<string, string | readonly string[]> = { 'content-type': contentType };
  let length: number | null = null;
  for (const [name, v] of Object.entries((headers ?? {}) as Record<string, unknown>))
    if (allowed(name, text(v))) out[name.toLowerCase()] = String(v);
    else if (name.toLowerCase() === 'content-length') length = lengthIn(text(v));
  if (Array.isArray(cookies)) {
    const own = out['set-cookie'] === undefined ? [] : [String(out['set-cookie'])];
    out['set-cookie'] = [...own, ...cookies.map((cookie) => text(cookie) ?? '\n').filter((cookie) => VALUE.test(cookie))];
  }
  return { status, headers: out, length };
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
/** What node:http sends; anything else it throws at. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Statuses of answers that have no body (RFC 9110, 6.4.1). */
export const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);
/** The form of headers' names. */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function lengthIn(value: string | null): number | null {
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** A value of JSON as text; null for an object that can't be, having a `toString` of its own that is no function. */
function text(value: unknown): string | null {
  try {
    return String(value);
  } catch {
    return null;
  }
}

/** Whether a header may be passed on: a valid name and value, and not one that belongs to the connection. */
function allowed(name: string, value: string | null): boolean {
  return HEADER_NAME.test(name) && !HOP_BY_HOP.has(name.toLowerCase()) && value !== null && VALUE.test(value);
}
