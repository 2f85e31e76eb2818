import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { signedService } from './claim.ts';
import { listedKeys } from './keys.ts';
import { openLocalKey } from './local-key.ts';
import { presigned } from './sign.ts';
import { signingKeyOf } from './signing-keys.ts';
import { signingKey, type SignedRequest } from './sigv4.ts';
import { CREDENTIAL, EMPTY, getObject, KEY, keys, NOW, refusal, verify } from './testing/aws-example.ts';
import { verifySignature } from './verify.ts';

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

  it('of S3 says what its payload is; one that does not is told that, not that it is wrong', async () => {
    const authorization = [`AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=host;range;x-amz-date,Signature=${'0'.repeat(64)}`];
    const { 'x-amz-content-sha256': _, ...headers } = getObject({ extra: { authorization } }).headers;
    await assert.rejects(verify({ ...getObject(), headers }), {
      name: 'InvalidRequest',
      message: 'Missing required header for this request: x-amz-content-sha256',
    });
  });

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

describe('a path, in any service but S3', () => {
  /** Of AWS's test suite of Signature Version 4: get-vanilla and get-slash, get-slashes, get-slash-pointless-dot. */
  const VANILLA = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31';
  const SLASHES = '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84';
  const POINTLESS = 'ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5';
  const suite = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
  const signedAs = (url: string, signature: string) => {
    const credential = `${suite.id}/20150830/us-east-1/service/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=${signature}`;
    const headers = { host: ['example.amazonaws.com'], 'x-amz-date': ['20150830T123600Z'], authorization: [authorization] };
    const options = { keys: listedKeys([suite]), service: 'service', nowMs: Date.UTC(2015, 7, 30, 12, 36), payloadHash: EMPTY };
    return verifySignature({ method: 'GET', url, headers }, options);
  };

  it('is signed without segments that mean nothing, as AWS’s signers do', async () => {
    for (const url of ['/', '//', '/./']) await signedAs(url, VANILLA);
    for (const url of ['/example', '/./example']) await signedAs(url, POINTLESS);
    for (const url of ['/example/', '//example//', '/.//example/./']) await signedAs(url, SLASHES);
    for (const url of ['/example', '/example/', '/.../', '/..example']) await refusal(signedAs(url, VANILLA), 'SignatureDoesNotMatch');
  });

  it('that goes up is never good for another', async () => {
    for (const url of ['/a/../example', '/example/../example', '/../example', '/example/a/..'])
      await refusal(signedAs(url, POINTLESS), 'SignatureDoesNotMatch');
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
