import { request } from 'node:http';
import { LAMBDA, shapeNamed } from '../../src/control/lambda/model/model.ts';
import type { AccessKey } from '../../src/auth/keys.ts';
import { signed, type ToSign } from '../../src/auth/sign.ts';
import type { FuzzCase } from '../../test/lambda-fuzz.ts';
import { ownKey, type Reached } from '../../test/scenarios/server-credentials.ts';
import type { ServiceRequest } from '../../test/service-fuzz.ts';

interface Answered {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

/** Operations that do not answer as such: with a result, or with an error that the model has; ValidationException is AWS's for all. */
export async function unansweredOperations(server: Reached): Promise<string[]> {
  const unanswered: string[] = [];
  for (const [name, { method, uri, input }] of Object.entries(LAMBDA.operations)) {
    const path = uri.replaceAll('{VersionNumber}', '1').replace(/\{\w+\}/g, 'x');
    const body = input !== undefined && shapeNamed(input).payload === undefined && (method === 'POST' || method === 'PUT') ? '{}' : null;
    const { status, type } = await send(server.endpoint, signedCase({ method, url: path, headers: {}, body }, server));
    const known = type === null ? status < 400 : type === 'ValidationException' || type in LAMBDA.errors;
    if (!known || status >= 500) unanswered.push(`${name}: ${status} ${type}`);
  }
  return unanswered;
}

/** Sends each request, signed, and names those whose answer AWS would never give: 5xx, what is not JSON, an error without type or text. */
export async function fuzzed(server: Reached, cases: Iterable<FuzzCase>): Promise<{ cases: number; violations: string[] }> {
  const violations: string[] = [];
  let count = 0;
  for (const one of cases) {
    count++;
    const answer = await send(server.endpoint, signedCase(one, server)).catch((error: unknown) => ({
      status: 0,
      type: null,
      text: String(error),
    }));
    const fault = faultOf(answer);
    if (fault !== null) violations.push(`${one.operation} ${one.method} ${one.url.slice(0, 120)}: ${fault}`);
  }
  return { cases: count, violations };
}

function faultOf({ status, type, text }: Answered): string | null {
  if (status < 200 || status >= 500) return `status ${status} ${text.slice(0, 100)}`;
  let document: Record<string, unknown> = {};
  try {
    if (text !== '') document = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return `not JSON: ${text.slice(0, 100)}`;
  }
  if (status < 400) return null;
  return type === null || typeof (document['message'] ?? document['Message']) !== 'string'
    ? `an error without type or text: ${text}`
    : null;
}

/** Sends requests to the object store and the queues, signed by `key`, and names those whose answer neither S3 nor SQS would give. */
export async function fuzzedServices(
  endpoint: string,
  key: AccessKey,
  requests: Iterable<ServiceRequest>,
): Promise<{ cases: number; violations: string[] }> {
  const { host } = new URL(endpoint);
  const violations: string[] = [];
  let cases = 0;
  for (const one of requests) {
    cases++;
    const { method, url, service, body } = one;
    const given = { ...one.headers, host, 'content-length': String(body.length) };
    const headers = { ...given, ...signedWhere({ method, url, headers: given, payload: body, service }, key) };
    const answer = await send(endpoint, { method, url, headers, body }).catch((error: unknown) => ({
      status: 0,
      type: null,
      text: String(error),
    }));
    const fault = service === 's3' ? s3Fault(answer, method) : sqsFault(answer);
    if (fault !== null) violations.push(`${service} ${method} ${url} ${JSON.stringify(one.headers).slice(0, 200)}: ${fault}`);
  }
  return { cases, violations };
}

type Unsigned = Pick<FuzzCase, 'url' | 'headers' | 'body'> & { method: string };

/** A request to Lambda's API with its signature. */
function signedCase(one: Unsigned, { endpoint, home }: Reached): Unsigned {
  const given = { ...one.headers, host: new URL(endpoint).host };
  const toSign = { method: one.method, url: one.url, headers: given, payload: Buffer.from(one.body ?? '') };
  return { ...one, headers: { ...given, ...signedWhere(toSign, ownKey(home)) } };
}

/** What is no text can't be signed: it is sent as if it had been. */
function signedWhere(request: ToSign, key: AccessKey): Record<string, string> {
  try {
    return signed(request, key, Date.now());
  } catch {
    const scope = `${new Date().toISOString().slice(0, 10).replaceAll('-', '')}/us-east-1/${request.service ?? 'lambda'}/aws4_request`;
    return { authorization: `AWS4-HMAC-SHA256 Credential=${key.id}/${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}` };
  }
}

/** S3 answers 501 to what it knows of and does not do. */
function s3Fault({ status, text }: Answered, method: string): string | null {
  if (status < 200 || (status >= 500 && status !== 501)) return `status ${status} ${text.slice(0, 100)}`;
  if (status < 400 || method === 'HEAD' || status === 412) return null;
  return /^(<\?xml[^>]*>\s*)?<Error>.*<Code>\w+<\/Code>/s.test(text) ? null : `status ${status}, not S3's error: ${text.slice(0, 100)}`;
}

function sqsFault({ status, text }: Answered): string | null {
  if (status < 200 || status >= 500) return `status ${status} ${text.slice(0, 100)}`;
  if (status < 400) return null;
  return /^\{"__type":"com\.amazon(?:aws\.sqs|\.coral\.service)#\w+","message":"/.test(text)
    ? null
    : `status ${status}, not SQS's error: ${text.slice(0, 100)}`;
}

/** By node:http: fetch would put right what is wrong on purpose. */
function send(endpoint: string, { method, url, headers, body }: Unsigned): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request(endpoint + url, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const type = response.headers['x-amzn-errortype'];
        resolve({ status: response.statusCode ?? 0, type: typeof type === 'string' ? type : null, text: Buffer.concat(chunks).toString() });
      });
    });
    sent.on('error', reject);
    sent.end(body ?? undefined);
  });
}
