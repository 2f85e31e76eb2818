import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ErrorCode } from '../errors.ts';
import { signedService } from './claim.ts';
import { listedKeys } from './keys.ts';
import { openLocalKey } from './local-key.ts';
import { signedPayload } from './payload.ts';
import { presigned } from './sign.ts';
import { signingKeyOf } from './signing-keys.ts';
import { hmac, signingKey, type SignedRequest } from './sigv4.ts';
import { verifyPostPolicy } from './post-policy.ts';
import { timeOf } from './claim.ts';
import { verifySignature } from './verify.ts';

/** The key, the time and the requests of the examples in AWS's own documentation of Signature Version 4 for S3. */
const KEY = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const NOW = timeOf('20130524T000000Z');
const CREDENTIAL = `${KEY.id}/20130524/us-east-1/s3/aws4_request`;
const keys = listedKeys([KEY]);
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const verify = (request: SignedRequest, nowMs = NOW) => verifySignature(request, { keys, service: 's3', nowMs });
const refusal = (work: Promise<unknown>, code: ErrorCode) => assert.rejects(work, { name: code });

function getObject(more: { range?: string; signature?: string; extra?: Record<string, string[]> } = {}): SignedRequest {
  const signature = more.signature ?? 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
  return {
    method: 'GET',
    url: '/test.txt',
    headers: {
      host: ['examplebucket.s3.amazonaws.com'],
      range: [more.range ?? 'bytes=0-9'],
      'x-amz-content-sha256': [EMPTY],
      'x-amz-date': ['20130524T000000Z'],
      authorization: [
        `AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=${signature}`,
      ],
      ...more.extra,
    },
  };
}

describe('a signature in the header', () => {
  it('of AWS’s example is right', async () => {
    const verified = await verify(getObject());
    assert.deepEqual([verified?.accessKeyId, verified?.scope.region, verified?.presigned], [KEY.id, 'us-east-1', false]);
  });

  it('is wrong when anything it covers is another', async () => {
    await refusal(verify(getObject({ range: 'bytes=0-10' })), 'SignatureDoesNotMatch');
    await refusal(verify({ ...getObject(), url: '/test.txt?acl' }), 'SignatureDoesNotMatch');
    await refusal(verify({ ...getObject(), method: 'DELETE' }), 'SignatureDoesNotMatch');
    await refusal(verify(getObject({ signature: '0'.repeat(64) })), 'SignatureDoesNotMatch');
    await refusal(verify(getObject({ signature: 'rubbish' })), 'SignatureDoesNotMatch');
  });

  it('must cover every x-amz- header', () => refusal(verify(getObject({ extra: { 'x-amz-acl': ['public-read'] } })), 'AccessDenied'));

  it('holds for a quarter of an hour, before and after', async () => {
    const quarter = 15 * 60_000;
    await verify(getObject(), NOW + quarter);
    await verify(getObject(), NOW - quarter);
    await refusal(verify(getObject(), NOW + quarter + 1000), 'RequestTimeTooSkewed');
    await refusal(verify(getObject(), NOW - quarter - 1000), 'RequestTimeTooSkewed');
  });

  it('of an unknown key, another service, or no sense is refused', async () => {
    await refusal(verifySignature(getObject(), { keys: listedKeys([]), service: 's3', nowMs: NOW }), 'InvalidAccessKeyId');
    await refusal(verifySignature(getObject(), { keys, service: 'lambda', nowMs: NOW }), 'AuthorizationHeaderMalformed');
    const authorization = (text: string) => verify(getObject({ extra: { authorization: [text] } }));
    await refusal(authorization('AWS4-HMAC-SHA256 rubbish'), 'AuthorizationHeaderMalformed');
    await refusal(authorization('AWS4-HMAC-SHA256 Credential=a/b/c,SignedHeaders=host,Signature=x'), 'AuthorizationHeaderMalformed');
    await refusal(authorization('AWS AKID:signature'), 'InvalidRequest');
    await refusal(verify(getObject({ extra: { 'x-amz-date': ['20139999T999999Z'] } })), 'AccessDenied');
    assert.equal(await verify({ method: 'GET', url: '/', headers: {} }), null);
  });
});

describe('a presigned URL', () => {
  const url =
    `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(CREDENTIAL)}&X-Amz-Date=20130524T000000Z` +
    '&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
  const request = (changed = url): SignedRequest => ({
    method: 'GET',
    url: changed,
    headers: { host: ['examplebucket.s3.amazonaws.com'] },
  });

  it('of AWS’s example is right until it expires', async () => {
    assert.equal((await verify(request()))?.presigned, true);
    await verify(request(), NOW + 86_400_000);
    await refusal(verify(request(), NOW + 86_401_000), 'AccessDenied');
    await refusal(verify(request(), NOW - 16 * 60_000), 'AccessDenied');
  });

  it('is wrong when it was changed', async () => {
    await refusal(verify(request(url.replace('86400', '86401'))), 'SignatureDoesNotMatch');
    await refusal(verify(request(`${url}&versionId=1`)), 'SignatureDoesNotMatch');
    await refusal(verify(request(url.replace('86400', '604801'))), 'AuthorizationQueryParametersError');
    await refusal(verify(request(url.replace('&X-Amz-Expires=86400', ''))), 'AuthorizationQueryParametersError');
    await refusal(verify({ ...request(), method: 'PUT' }), 'SignatureDoesNotMatch');
    for (const date of ['20269999T999999Z', '20130524T990000Z', '20130524', 'now']) {
      await refusal(verify(request(url.replace('20130524T000000Z', date))), 'AuthorizationQueryParametersError');
    }
  });

  it('of one’s own API is right until it expires, and for nothing else', async () => {
    const link = new URL(presigned('http://127.0.0.1:8420/hearth/v1/functions/f/code?version=2', KEY, { nowMs: NOW, expiresSeconds: 600 }));
    const asked = (method = 'GET', more = ''): SignedRequest => ({
      method,
      url: link.pathname + link.search + more,
      headers: { host: [link.host] },
    });
    const checked = (r: SignedRequest, nowMs = NOW) => verifySignature(r, { keys, service: 'lambda', nowMs, payloadHash: EMPTY });
    assert.equal((await checked(asked()))?.presigned, true);
    await checked(asked(), NOW + 600_000);
    await refusal(checked(asked(), NOW + 601_000), 'AccessDenied');
    await refusal(checked(asked('DELETE')), 'SignatureDoesNotMatch');
    await refusal(checked(asked('GET', '&version=3')), 'SignatureDoesNotMatch');
  });

  it('says for which service it is, without being verified', () => {
    assert.equal(signedService({ url, headers: {} }), 's3');
    assert.equal(signedService({ url: '/', headers: { authorization: getObject().headers['authorization']?.[0] } }), 's3');
    assert.equal(signedService({ url: '/test.txt?list-type=2', headers: {} }), null);
  });
});

/** A body in pieces that have nothing to do with its chunks. */
async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

describe('a body in signed chunks', () => {
  const headers = {
    host: ['s3.amazonaws.com'],
    'x-amz-date': ['20130524T000000Z'],
    'x-amz-storage-class': ['REDUCED_REDUNDANCY'],
    'x-amz-content-sha256': ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
    'content-encoding': ['aws-chunked'],
    'x-amz-decoded-content-length': ['66560'],
    'content-length': ['66824'],
    authorization: [
      `AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9`,
    ],
  };
  const request: SignedRequest = { method: 'PUT', url: '/examplebucket/chunkObject.txt', headers };
  const a = 'a'.repeat(65_536);
  const body = (first = 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648', data = a): string =>
    `10000;chunk-signature=${first}\r\n${data}\r\n` +
    `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${'a'.repeat(1024)}\r\n` +
    '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n';
  const decode = async (text: string, size = 10_000, more: SignedRequest = request): Promise<string> =>
    read(signedPayload(pieces(text, size), more, await verify(request)).chunks);

  it('of AWS’s example is decoded, however it is cut', async () => {
    for (const size of [7, 1024, 65_536, 100_000]) assert.equal(await decode(body(), size), 'a'.repeat(66_560));
  });

  it('is refused with a wrong signature, other data, an end too early, or another length', async () => {
    await refusal(decode(body('0'.repeat(64))), 'SignatureDoesNotMatch');
    await refusal(decode(body(undefined, `b${a.slice(1)}`)), 'SignatureDoesNotMatch');
    await refusal(decode(body().slice(0, 60_000)), 'IncompleteBody');
    await refusal(decode(body().slice(0, -95)), 'IncompleteBody');
    await refusal(decode('rubbish\r\n'), 'IncompleteBody');
    await refusal(decode('x'.repeat(20_000)), 'IncompleteBody');
    await refusal(
      decode(body(), 10_000, { ...request, headers: { ...headers, 'x-amz-decoded-content-length': ['66559'] } }),
      'IncompleteBody',
    );
  });

  it('needs the length of what it decodes to', async () => {
    const { 'x-amz-decoded-content-length': _, ...rest } = headers;
    await refusal(decode(body(), 10_000, { ...request, headers: rest }), 'MissingContentLength');
  });
});

describe('a body with a trailer', () => {
  const declared = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  const headers = { 'x-amz-content-sha256': [declared], 'x-amz-decoded-content-length': ['5'], 'x-amz-trailer': ['x-amz-checksum-crc32'] };
  const payload = (text: string) => signedPayload(pieces(text, 3), { method: 'PUT', url: '/', headers }, null);

  it('gives what was announced', async () => {
    const { chunks, trailers } = payload('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n');
    assert.equal(await read(chunks), 'hello');
    assert.equal(trailers.get('x-amz-checksum-crc32'), 'NhCmhg==');
  });

  it('is refused without it, with another one, or with one that was not announced', async () => {
    await refusal(read(payload('5\r\nhello\r\n0\r\n\r\n').chunks), 'InvalidRequest');
    await refusal(read(payload('5\r\nhello\r\n0\r\nx-amz-checksum-sha1:x\r\n\r\n').chunks), 'InvalidRequest');
    await refusal(read(payload('5\r\nhello\r\n0\r\nrubbish\r\n\r\n').chunks), 'InvalidRequest');
  });

  it('that is signed is verified link by link', async () => {
    const verified = await verify(getObject());
    assert.ok(verified);
    const { signature: seed, signingKey: key } = verified;
    const link = (kind: string, previous: string, ...hashes: string[]): string =>
      hmac(key, [kind, '20130524T000000Z', '20130524/us-east-1/s3/aws4_request', previous, ...hashes].join('\n')).toString('hex');
    const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    const first = link('AWS4-HMAC-SHA256-PAYLOAD', seed, EMPTY, hello);
    const last = link('AWS4-HMAC-SHA256-PAYLOAD', first, EMPTY, EMPTY);
    const { createHash } = await import('node:crypto');
    const line = 'x-amz-checksum-crc32:NhCmhg==\n';
    const end = link('AWS4-HMAC-SHA256-TRAILER', last, createHash('sha256').update(line).digest('hex'));
    const text = (signature: string): string =>
      `5;chunk-signature=${first}\r\nhello\r\n0;chunk-signature=${last}\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:${signature}\r\n\r\n`;
    const signed = { ...headers, 'x-amz-content-sha256': ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'] };
    const decode = (signature: string) =>
      read(signedPayload(pieces(text(signature), 50), { method: 'PUT', url: '/', headers: signed }, verified).chunks);
    assert.equal(await decode(end), 'hello');
    await refusal(decode(first), 'SignatureDoesNotMatch');
  });
});

describe('the digest of a body', () => {
  const payload = (text: string, declared: string) =>
    signedPayload(pieces(text, 2), { method: 'PUT', url: '/', headers: { 'x-amz-content-sha256': [declared] } }, null);
  it('must be its own', async () => {
    const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    assert.equal(await read(payload('hello', hello).chunks), 'hello');
    await refusal(read(payload('hallo', hello).chunks), 'XAmzContentSHA256Mismatch');
    assert.throws(() => payload('hello', 'rubbish'), { name: 'InvalidArgument' });
  });
});

describe('the key of a day', () => {
  const scope = { date: '20130524', region: 'us-east-1', service: 'iam' };
  it('is derived once it was kept, and is another for another secret, day, region or service', () => {
    const first = signingKeyOf('secret', scope);
    assert.deepEqual(first.key, signingKey('secret', scope));
    assert.notEqual(signingKeyOf('secret', scope).key, first.key); // not kept: nobody’s signature was right yet
    first.keep();
    assert.equal(signingKeyOf('secret', scope).key, first.key);
    const others = [
      { ...scope, date: '20130525' },
      { ...scope, region: 'eu-west-1' },
      { ...scope, service: 's3' },
    ];
    for (const other of others) assert.deepEqual(signingKeyOf('secret', other).key, signingKey('secret', other));
    assert.deepEqual(signingKeyOf('other', scope).key, signingKey('other', scope));
  });
  it('is forgotten when too many others came', () => {
    const first = signingKeyOf('first', scope);
    first.keep();
    for (let n = 0; n < 1_000; n++) signingKeyOf(`n${n}`, scope).keep();
    const again = signingKeyOf('first', scope).key;
    assert.notEqual(again, first.key);
    assert.deepEqual(again, first.key);
  });
});

describe('the policy of a form', () => {
  const form = (conditions: unknown[], fields: Record<string, string> = {}, expiration = '2013-05-25T00:00:00Z'): Map<string, string> => {
    const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64');
    const signature = hmac(signingKey(KEY.secret, { date: '20130524', region: 'us-east-1', service: 's3' }), policy).toString('hex');
    const common = { 'x-amz-algorithm': 'AWS4-HMAC-SHA256', 'x-amz-credential': CREDENTIAL, 'x-amz-date': '20130524T000000Z' };
    return new Map(Object.entries({ ...common, policy, 'x-amz-signature': signature, key: 'in/a.jpg', ...fields }));
  };
  const SIGNING = [
    ['starts-with', '$x-amz-algorithm', ''],
    ['starts-with', '$x-amz-credential', ''],
    ['starts-with', '$x-amz-date', ''],
  ];
  const check = (fields: Map<string, string>) => verifyPostPolicy(fields, 'uploads', { keys, nowMs: NOW });

  it('holds what it says', async () => {
    const all = [...SIGNING, { bucket: 'uploads' }, ['starts-with', '$key', 'in/'], ['content-length-range', 1, 10]];
    assert.deepEqual(await check(form(all)), { accessKeyId: KEY.id, minBytes: 1, maxBytes: 10 });
    await refusal(check(form(all, { key: 'out/a.jpg' })), 'AccessDenied');
    await refusal(check(form(all, { acl: 'public-read' })), 'AccessDenied');
    await refusal(check(form([...all, { bucket: 'other' }])), 'AccessDenied');
    await refusal(check(form(all, {}, '2013-05-23T00:00:00Z')), 'AccessDenied');
    await refusal(check(form(all, { 'x-amz-signature': '0'.repeat(64) })), 'SignatureDoesNotMatch');
    await refusal(check(form(all, { 'x-amz-credential': CREDENTIAL.replace(KEY.id, 'NOBODY') })), 'InvalidAccessKeyId');
    await refusal(check(form([['rubbish', 1, 2]])), 'InvalidPolicyDocument');
    assert.equal(await check(new Map([['key', 'a']])), null);
  });

  it('names the bucket that it is for, whether the form does or not', async () => {
    const rest = [...SIGNING, ['starts-with', '$key', 'in/']];
    for (const fields of [{}, { bucket: 'uploads' }]) {
      await assert.rejects(check(form(rest, fields)), { name: 'AccessDenied', message: /Extra input fields: bucket/ });
      await check(form([...rest, { bucket: 'uploads' }], fields));
      await check(form([...rest, ['starts-with', '$bucket', 'up']], fields));
    }
    // What a form says of the bucket counts for nothing: it is the one that is written to.
    await refusal(check(form([...rest, { bucket: 'others' }], { bucket: 'others' })), 'AccessDenied');
  });
});

describe('the key of a server', () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-key-'));
  after(() => rmSync(home, { recursive: true, force: true }));
  it('is made once, for its owner’s eyes only', () => {
    const key = openLocalKey(home);
    assert.match(key.id, /^AKIAHEARTH[A-Z2-7]{10}$/);
    assert.deepEqual(openLocalKey(home), key);
    assert.equal(statSync(join(home, 'credentials')).mode & 0o777, 0o600);
  });
  it('is not made anew over a file that holds none', () => {
    writeFileSync(join(home, 'credentials'), 'rubbish');
    assert.throws(() => openLocalKey(home), { name: 'ServiceUnavailable', message: /remove it/ });
  });
});
