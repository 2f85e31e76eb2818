import { HearthError } from '../../errors.ts';
import type { CorsRule } from '../model.ts';
import type { S3Request } from './request.ts';

/** What a browser asks: for a preflight, of the request to come. */
export interface CorsQuestion {
  readonly origin: string;
  readonly method: string;
  /** Names in lower case; of a preflight only. */
  readonly headers: readonly string[];
}

/** The headers that let a page read the answer; null when no rule does. */
export function corsHeaders(rules: readonly CorsRule[], q: CorsQuestion, preflight: boolean): Record<string, string> | null {
  const rule = rules.find((r) => allows(r, q));
  if (rule === undefined) return null;
  const any = rule.origins.includes('*');
  const headers: Record<string, string> = {
    'access-control-allow-origin': any ? '*' : q.origin,
    'access-control-allow-methods': rule.methods.join(', '),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
  if (!any) headers['access-control-allow-credentials'] = 'true';
  if (rule.exposeHeaders.length > 0) headers['access-control-expose-headers'] = rule.exposeHeaders.join(', ');
  if (preflight && q.headers.length > 0) headers['access-control-allow-headers'] = q.headers.join(', ');
  if (preflight && rule.maxAgeSeconds !== undefined) headers['access-control-max-age'] = String(rule.maxAgeSeconds);
  return headers;
}

/** Where nobody signs, a page of another origin must not do what the bucket's CORS rules don't let it. `cors`: what they say of the request. Throws AccessDenied. */
export function refuseForeign(r: S3Request, cors: Readonly<Record<string, string>>): void {
  const { origin, host } = r.raw.headers;
  if (origin === undefined || 'access-control-allow-origin' in cors) return;
  if (URL.canParse(origin) && new URL(origin).host === (host ?? '').toLowerCase()) return;
  throw new HearthError('AccessDenied', `pages of origin '${origin}' may not use this bucket; its CORS configuration says who may`);
}

function allows(rule: CorsRule, q: CorsQuestion): boolean {
  return (
    rule.origins.some((o) => fits(o, q.origin)) &&
    rule.methods.includes(q.method) &&
    q.headers.every((h) => rule.headers.some((allowed) => fits(allowed.toLowerCase(), h)))
  );
}

/** Patterns have at most one star. */
function fits(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === text;
  const [start, end] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end);
}
