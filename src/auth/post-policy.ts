import { HearthError } from '../errors.ts';
import { parseCredential } from './claim.ts';
import type { Keys } from './keys.ts';
import { sameV2 } from './sigv2.ts';
import { hmac, signingKey } from './sigv4.ts';
import { mismatch, sameSignature, unknownKey } from './verify.ts';

/** What a browser's form may upload, once its signature was found right. */
export interface PostPolicy {
  /** Whose key signed it. */
  readonly accessKeyId: string;
  /** Smallest and largest file, bytes. */
  readonly minBytes: number;
  readonly maxBytes: number;
}

/** Fields that no condition need cover. */
const FREE = new Set(['x-amz-signature', 'signature', 'policy', 'file', 'awsaccesskeyid']);

/**
 * Checks the fields (lower-case names) of an HTML form upload against the policy it carries, and the policy's signature. Null when the form is
 * not signed. Throws SignatureDoesNotMatch, InvalidAccessKeyId, InvalidPolicyDocument, AccessDenied (expired, or a condition that fails).
 */
export async function verifyPostPolicy(
  fields: ReadonlyMap<string, string>,
  bucket: string,
  o: { keys: Keys; nowMs: number },
): Promise<PostPolicy | null> {
  const policyText = fields.get('policy');
  if (policyText === undefined && !fields.has('x-amz-signature') && !fields.has('signature')) return null;
  if (policyText === undefined) throw invalid('the form has a signature and no policy');
  const accessKeyId = await checkSignature(fields, policyText, o.keys);
  return { accessKeyId, ...checkPolicy(policyText, new Map([...fields, ['bucket', bucket]]), o.nowMs) };
}

/** By version 4, or by version 2, as boto3 signs forms unless told otherwise. Returns the id of the key. */
async function checkSignature(fields: ReadonlyMap<string, string>, policy: string, keys: Keys): Promise<string> {
  const first = fields.get('awsaccesskeyid');
  const credential = parseCredential(fields.get('x-amz-credential') ?? '');
  if (first === undefined && (fields.get('x-amz-algorithm') !== 'AWS4-HMAC-SHA256' || credential?.scope.service !== 's3')) {
    throw new HearthError(
      'InvalidArgument',
      'The form needs the fields x-amz-algorithm (AWS4-HMAC-SHA256) and x-amz-credential for service s3.',
    );
  }
  const id = first ?? credential?.accessKeyId ?? '';
  const key = await keys.find(id);
  if (key === null) throw unknownKey(id);
  const signature = fields.get(first === undefined ? 'x-amz-signature' : 'signature') ?? '';
  const right =
    first === undefined && credential !== null
      ? sameSignature(signature, hmac(signingKey(key.secret, credential.scope), policy))
      : sameV2(key.secret, policy, signature);
  if (!right) throw mismatch({ accessKeyId: key.id, signature }, policy);
  return key.id;
}

function checkPolicy(text: string, fields: ReadonlyMap<string, string>, nowMs: number): Omit<PostPolicy, 'accessKeyId'> {
  const { expiration, conditions } = parsePolicy(text);
  if (!(nowMs < expiration)) throw denied('Policy expired.');
  const covered = new Set<string>();
  let [minBytes, maxBytes] = [0, Number.MAX_SAFE_INTEGER];
  for (const condition of conditions.flatMap(asTriples)) {
    const [kind, name, value] = condition;
    if (kind === 'content-length-range') {
      [minBytes, maxBytes] = [Number(name), Number(value)];
      if (!(minBytes >= 0 && maxBytes >= minBytes)) throw invalid('content-length-range needs two numbers');
      continue;
    }
    const field = String(name).replace(/^\$/, '').toLowerCase();
    covered.add(field);
    const given = fields.get(field) ?? '';
    const holds = kind === 'eq' ? given === String(value) : given.startsWith(String(value));
    if (!holds) throw denied(`Policy Condition failed: ${JSON.stringify(condition)}`);
  }
  // The bucket is among them, sent as a field or not, as on S3: a policy that names none would be good for every bucket of its key.
  for (const name of fields.keys()) {
    if (covered.has(name) || FREE.has(name) || name.startsWith('x-ignore-')) continue;
    throw denied(`Extra input fields: ${name}`);
  }
  return { minBytes, maxBytes };
}

type Triple = readonly [string, unknown, unknown];

function asTriples(condition: unknown): Triple[] {
  if (Array.isArray(condition)) {
    const [kind, name, value] = condition as unknown[];
    const operator = String(kind).toLowerCase();
    if (condition.length !== 3 || !['eq', 'starts-with', 'content-length-range'].includes(operator)) {
      throw invalid(`no such condition: ${JSON.stringify(condition)}`);
    }
    return [[operator, name, value]];
  }
  if (typeof condition !== 'object' || condition === null) throw invalid('a condition is an object or a list of three');
  return Object.entries(condition).map(([name, value]): Triple => ['eq', name, value]);
}

function parsePolicy(text: string): { expiration: number; conditions: unknown[] } {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch (error) {
    throw invalid(`it is not base64 of JSON: ${(error as Error).message}`);
  }
  const { expiration, conditions } = (document ?? {}) as { expiration?: unknown; conditions?: unknown };
  const at = Date.parse(String(expiration));
  if (Number.isNaN(at) || !Array.isArray(conditions)) throw invalid('it needs an expiration and a list of conditions');
  return { expiration: at, conditions };
}

function invalid(why: string): HearthError {
  return new HearthError('InvalidPolicyDocument', `Invalid Policy: ${why}.`);
}

function denied(why: string): HearthError {
  return new HearthError('AccessDenied', `Invalid according to Policy: ${why}`);
}
