import { readLocalKey } from '../../src/auth/local-key.ts';
import type { AccessKey } from '../../src/auth/keys.ts';
import { signed, type ToSign } from '../../src/auth/sign.ts';

/** A test's server, as far as its clients need to know it. */
export interface Reached {
  readonly home: string;
  readonly endpoint: string;
}

/** The key that a server made for itself, which may do everything. */
export function ownKey(home: string): AccessKey {
  const key = readLocalKey(home);
  if (key === null) throw new Error(`no server was started on ${home}`);
  return key;
}

/** The same as AWS's clients are given it. */
export function credentialsOf(home: string): { readonly accessKeyId: string; readonly secretAccessKey: string } {
  const { id, secret } = ownKey(home);
  return { accessKeyId: id, secretAccessKey: secret };
}

/** How AWS's clients reach a test's server: with the key that it made for itself. Nothing is retried: an answer counts the first time. */
export function clientOptions(server: Reached) {
  return { endpoint: server.endpoint, region: 'us-east-1', credentials: credentialsOf(server.home), maxAttempts: 1 };
}

/** The environment of AWS's tools and of SDKs in other languages, to reach a test's server. */
export function toolCredentials(server: Reached): Record<string, string> {
  const { id, secret } = ownKey(server.home);
  return {
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_ACCESS_KEY_ID: id,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly service?: ToSign['service'];
}

/** What `fetch` is to unsigned requests: sends one to a path of a test's server, signed with the key that it made for itself. */
export function signedFetch(server: Reached, path: string, sent: Sent = {}): Promise<Response> {
  const { method = 'GET', body, service = 'lambda' } = sent;
  const url = new URL(server.endpoint + path);
  const given = Object.fromEntries(Object.entries(sent.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const toSign = {
    method,
    url: url.pathname + url.search,
    headers: { ...given, host: url.host },
    payload: Buffer.from(body ?? ''),
    service,
  };
  const headers = { ...given, ...signed(toSign, ownKey(server.home), Date.now()) };
  return fetch(url, { method, headers, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }) });
}
