import type { AccessKey } from './keys.ts';
import { signingKeyOf } from './signing-keys.ts';
import { hmac, scopeText, sha256Hex, stringToSign, type CredentialScope } from './sigv4.ts';

export interface ToSign {
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly url: string;
  /** By lower-case name; `host` must be there. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null: the payload is not signed, as where it is streamed. */
  readonly payload: Buffer | null;
  /** Whose API it is for; left out: Lambda's and Hearth's own. */
  readonly service?: 'lambda' | 's3' | 'sqs' | 'events' | 'scheduler' | 'logs' | 'sts';
}

/** The headers that sign a request (AWS Signature Version 4). */
export function signed(request: ToSign, key: AccessKey, nowMs: number): Record<string, string> {
  const time = compactTime(nowMs);
  const payloadHash = request.payload === null ? 'UNSIGNED-PAYLOAD' : sha256Hex(request.payload);
  const added = { 'x-amz-date': time, 'x-amz-content-sha256': payloadHash };
  const headers: Record<string, string> = { ...request.headers, ...added };
  const signedHeaders = Object.keys(headers)
    .filter((name) => name === 'host' || name.startsWith('x-amz-'))
    .sort((a, b) => (a < b ? -1 : 1));
  const scope = scopeAt(time, request.service ?? 'lambda');
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const text = stringToSign({ method: request.method, url: request.url, headers: lists }, { signedHeaders, payloadHash, time, scope });
  const signature = signatureOf(key, scope, text);
  const authorization = `AWS4-HMAC-SHA256 Credential=${key.id}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
  return { ...added, authorization };
}

/**
 * An address of Lambda's or Hearth's own API that whoever has it may read until it expires, without a key (a presigned URL). `expiresSeconds`: up to a week.
 */
export function presigned(address: string, key: AccessKey, { nowMs, expiresSeconds }: { nowMs: number; expiresSeconds: number }): string {
  const url = new URL(address);
  const time = compactTime(nowMs);
  const scope = scopeAt(time, 'lambda');
  url.searchParams.set('X-Amz-Algorithm', 'AWS4-HMAC-SHA256');
  url.searchParams.set('X-Amz-Credential', `${key.id}/${scopeText(scope)}`);
  url.searchParams.set('X-Amz-Date', time);
  url.searchParams.set('X-Amz-Expires', String(expiresSeconds));
  url.searchParams.set('X-Amz-SignedHeaders', 'host');
  const request = { method: 'GET', url: url.pathname + url.search, headers: { host: [url.host] } };
  const text = stringToSign(request, { signedHeaders: ['host'], payloadHash: sha256Hex(''), time, scope });
  url.searchParams.set('X-Amz-Signature', signatureOf(key, scope, text));
  return url.href;
}

function compactTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}

function scopeAt(time: string, service: string): CredentialScope {
  return { date: time.slice(0, 8), region: 'us-east-1', service };
}

function signatureOf(key: AccessKey, scope: CredentialScope, text: string): string {
  const daily = signingKeyOf(key.secret, scope);
  daily.keep();
  return hmac(daily.key, text).toString('hex');
}
