import type { AccessKey } from './keys.ts';
import { hmac, scopeText, sha256Hex, signingKey, stringToSign } from './sigv4.ts';

export interface ToSign {
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly url: string;
  /** By lower-case name; `host` must be there. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null: the payload is not signed, as where it is streamed. */
  readonly payload: Buffer | null;
  /** Whose API it is for; left out: Lambda's and Hearth's own. */
  readonly service?: 'lambda' | 's3' | 'sqs';
}

/** The headers that sign a request (AWS Signature Version 4). */
export function signed(request: ToSign, key: AccessKey, nowMs: number): Record<string, string> {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const payloadHash = request.payload === null ? 'UNSIGNED-PAYLOAD' : sha256Hex(request.payload);
  const added = { 'x-amz-date': time, 'x-amz-content-sha256': payloadHash };
  const headers: Record<string, string> = { ...request.headers, ...added };
  const signedHeaders = Object.keys(headers)
    .filter((name) => name === 'host' || name.startsWith('x-amz-'))
    .sort((a, b) => (a < b ? -1 : 1));
  const scope = { date: time.slice(0, 8), region: 'us-east-1', service: request.service ?? 'lambda' };
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const text = stringToSign({ method: request.method, url: request.url, headers: lists }, { signedHeaders, payloadHash, time, scope });
  const signature = hmac(signingKey(key.secret, scope), text).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${key.id}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
  return { ...added, authorization };
}
