import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { describe, test } from 'node:test';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteObjectCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { TestServer } from './platform-server.ts';
import { refused, s3Client } from './s3-clients.ts';
import { s3World } from './s3-world.ts';
import { credentialsOf, signedFetch } from './server-credentials.ts';

const Bucket = 'access';
const { server, client, put } = await s3World(Bucket);
await put('k', 'content');

/** Status and body of a plain request, sent as it is. */
function raw(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const { hostname, port } = new URL(server.endpoint);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method: options.method ?? 'GET', headers: options.headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (c: Buffer) => chunks.push(c));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString(), headers: answer.headers }));
    });
    sent.on('error', reject);
    sent.end(options.body);
  });
}

describe('who may', () => {
  test('a wrong secret, an unknown key, and no signature at all are refused', async () => {
    const { accessKeyId } = credentialsOf(server.home);
    const wrong = s3Client(server, { credentials: { accessKeyId, secretAccessKey: 'wrong' } });
    await refused(wrong.send(new ListBucketsCommand({})), 'SignatureDoesNotMatch', 403);
    await refused(wrong.send(new PutObjectCommand({ Bucket, Key: 'no', Body: 'no' })), 'SignatureDoesNotMatch', 403);
    const unknown = s3Client(server, { credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' } });
    await refused(unknown.send(new ListBucketsCommand({})), 'InvalidAccessKeyId', 403);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'no' })), 'NotFound', 404);
    const anonymous = await raw(`/${Bucket}/k`);
    assert.equal(anonymous.status, 403);
    assert.match(
      anonymous.text,
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>AccessDenied<\/Code><Message>Access Denied\. [^<]*hearth keys env[^<]*<\/Message>/,
    );
    for (const c of [wrong, unknown]) c.destroy();
  });

  test('a clock that is off by more than a quarter of an hour', async () => {
    for (const minutes of [-16, 16]) {
      const late = s3Client(server, { systemClockOffset: minutes * 60_000 });
      await refused(late.send(new PutObjectCommand({ Bucket, Key: 'late', Body: 'late' })), 'RequestTimeTooSkewed', 403);
      late.destroy();
    }
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'late' })), 'NotFound', 404);
  });

  test('a page of another origin, and a host that is not ours', async () => {
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60 });
    const { pathname, search, host } = new URL(url);
    assert.equal((await raw(pathname + search, { headers: { host } })).status, 200);
    assert.equal((await raw(pathname + search, { headers: { host: 'evil.example' } })).status, 403);
    assert.equal((await raw(pathname + search, { headers: { host: `${Bucket}.s3.evil.example` } })).status, 403);
  });

  test('where it was asked for, anonymous requests are served, but not those of strange pages', async () => {
    await using open = await TestServer.start({ auth: { required: true, anonymous: true } });
    const put = await fetch(`${open.endpoint}/`, { method: 'GET' });
    assert.notEqual(put.status, 500);
    const signed = s3Client(open);
    await signed.send(new CreateBucketCommand({ Bucket }));
    assert.equal((await fetch(`${open.endpoint}/${Bucket}/a`, { method: 'PUT', body: 'hello' })).status, 200);
    assert.equal(await (await fetch(`${open.endpoint}/${Bucket}/a`)).text(), 'hello');
    const foreign = await fetch(`${open.endpoint}/${Bucket}/a`, { method: 'DELETE', headers: { origin: 'http://evil.example' } });
    assert.equal(foreign.status, 403);
    // A page may send a form anywhere, without asking before.
    const form = (key: string, headers: Record<string, string>): Promise<Response> => {
      const body = new FormData();
      body.set('key', key);
      body.set('file', new Blob(['of a form']));
      return fetch(`${open.endpoint}/${Bucket}`, { method: 'POST', body, headers });
    };
    assert.equal((await form('foreign', { origin: 'http://evil.example' })).status, 403);
    assert.equal((await fetch(`${open.endpoint}/${Bucket}/foreign`)).status, 404);
    for (const headers of [{}, { origin: open.endpoint }] as Record<string, string>[])
      assert.equal((await form('own', headers)).status, 204);
    const wrong = s3Client(open, { credentials: { ...credentialsOf(open.home), secretAccessKey: 'wrong' } });
    await refused(wrong.send(new ListBucketsCommand({})), 'SignatureDoesNotMatch', 403);
    for (const c of [signed, wrong]) c.destroy();
  });
});

describe('presigned', () => {
  test('a URL to get, with the headers it overrides, and one to put', async () => {
    const get = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'k', ResponseContentType: 'text/x-own' }), {
      expiresIn: 60,
    });
    const got = await fetch(get);
    assert.deepEqual([await got.text(), got.headers.get('content-type')], ['content', 'text/x-own']);
    const tampered = await fetch(get.replace('/k?', '/other?'));
    assert.equal(tampered.status, 403);
    assert.match(await tampered.text(), /SignatureDoesNotMatch/);
    const put = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: 'by url' }), { expiresIn: 60 });
    assert.equal((await fetch(put, { method: 'PUT', body: 'put by url' })).status, 200);
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'by url' }));
    assert.equal(await Body?.transformToString(), 'put by url');
  });

  test('an expired URL', async () => {
    const signingDate = new Date(Date.now() - 120_000);
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60, signingDate });
    const answer = await fetch(url);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /<Code>AccessDenied<\/Code><Message>Request has expired<\/Message>/);
  });

  test('a form', async () => {
    const { url, fields } = await createPresignedPost(client, {
      Bucket,
      Key: 'forms/${filename}',
      Conditions: [['content-length-range', 1, 100]],
      Fields: { success_action_status: '201', 'Content-Type': 'text/plain' },
      Expires: 60,
    });
    const post = async (content: string, more: Record<string, string> = {}): Promise<Response> => {
      const form = new FormData();
      for (const [name, value] of Object.entries({ ...fields, ...more })) form.append(name, value);
      form.append('file', new Blob([content]), 'a name.txt');
      return fetch(url, { method: 'POST', body: form });
    };
    const done = await post('from a form');
    assert.equal(done.status, 201, await done.clone().text());
    assert.match(await done.text(), /<Key>forms\/a name\.txt<\/Key>/);
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'forms/a name.txt' }));
    assert.deepEqual([await got.Body?.transformToString(), got.ContentType], ['from a form', 'text/plain']);
    for (const [answer, code] of [
      [await post('x'.repeat(101)), 'EntityTooLarge'],
      [await post(''), 'EntityTooSmall'],
      [await post('x', { acl: 'public-read' }), 'AccessDenied'],
      [await post('x', { Policy: 'e30=' }), 'SignatureDoesNotMatch'],
    ] as const) {
      assert.match(await answer.text(), new RegExp(`<Code>${code}</Code>`));
    }
    const unsigned = await fetch(`${server.endpoint}/${Bucket}`, { method: 'POST', body: new FormData() });
    assert.equal(unsigned.status, 400);
  });

  test('what no header can carry is encoded as on S3, or refused where it is given', async () => {
    const post = async (more: Record<string, string>): Promise<string> => {
      const { url, fields } = await createPresignedPost(client, {
        Bucket,
        Key: 'characters',
        Conditions: [
          ['starts-with', '$x-amz-meta-title', ''],
          ...Object.keys(more).map((name) => ['starts-with', `$${name}`, ''] as never),
        ],
      });
      const form = new FormData();
      for (const [name, value] of Object.entries({ ...fields, ...more })) form.append(name, value);
      form.append('file', new Blob(['content']), 'a');
      const answer = await fetch(url, { method: 'POST', body: form });
      return answer.status === 204 ? 'stored' : await answer.text();
    };
    assert.equal(await post({ 'x-amz-meta-title': '日本' }), 'stored');
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'characters' }));
    assert.deepEqual([await got.Body?.transformToString(), got.Metadata], ['content', { title: '=?UTF-8?B?5pel5pys?=' }]);
    assert.match(await post({ 'x-amz-meta-title': 'x', 'Content-Type': 'text/日本' }), /<Code>InvalidArgument/);
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'k', ResponseContentType: 'text/日本' }));
    assert.equal((await fetch(url)).status, 400);
    const rule = { AllowedMethods: ['GET'], AllowedOrigins: ['*'], ExposeHeaders: ['x-–'] };
    await refused(client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } })), 'InvalidRequest', 400);
  });

  test('a form that ends within a file is refused, whoever sends it, and ends nothing but itself', async () => {
    const cut = (name: string): Promise<{ status: number; text: string }> => {
      const field = (of: string, value: string) => `--B\r\nContent-Disposition: form-data; name="${of}"\r\n\r\n${value}\r\n`;
      const file = `--B\r\nContent-Disposition: form-data; name="${name}"; filename="a"\r\n\r\nhello`;
      return raw(`/${Bucket}`, {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=B' },
        body: field('key', 'cut') + file,
      });
    };
    for (const name of ['file', 'another']) {
      const { status, text } = await cut(name);
      assert.ok(status >= 400 && status < 500, `${name} ${status} ${text}`);
    }
    await refused(client.send(new GetObjectCommand({ Bucket, Key: 'cut' })), 'NoSuchKey', 404);
  });
});

describe('addresses', () => {
  test('a bucket by host, with the SDK’s own style', async () => {
    const { port } = new URL(server.endpoint);
    const byHost = s3Client(server, { endpoint: `http://s3.localhost:${port}`, forcePathStyle: false });
    const url = await getSignedUrl(byHost, new GetObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60 });
    const { host, pathname, search } = new URL(url);
    assert.equal(host, `${Bucket}.s3.localhost:${port}`);
    const answer = await raw(pathname + search, { headers: { host } });
    assert.deepEqual([answer.status, answer.text], [200, 'content']);
    byHost.destroy();
  });

  test('every operation by host, signed in the header', async () => {
    const { port } = new URL(server.endpoint);
    const lookup = (_host: string, options: object, done: (error: null, ...found: unknown[]) => void) =>
      'all' in options && options.all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
    const requestHandler = { httpAgent: new Agent({ lookup: lookup as never }) };
    const byHost = s3Client(server, { endpoint: `http://s3.localhost:${port}`, forcePathStyle: false, requestHandler });
    await byHost.send(new CreateBucketCommand({ Bucket: 'by-host' }));
    const Key = 'a b+c/ü.jpg';
    await byHost.send(new PutObjectCommand({ Bucket: 'by-host', Key, Body: 'by host' }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'by-host', Key }));
    assert.equal(await Body?.transformToString(), 'by host');
    assert.deepEqual(
      (await byHost.send(new ListObjectsV2Command({ Bucket: 'by-host' }))).Contents?.map((o) => o.Key),
      [Key],
    );
    await byHost.send(new DeleteObjectCommand({ Bucket: 'by-host', Key }));
    await byHost.send(new DeleteBucketCommand({ Bucket: 'by-host' }));
    await refused(client.send(new ListObjectsV2Command({ Bucket: 'by-host' })), 'NoSuchBucket', 404);
    byHost.destroy();
  });

  test('what is not S3’s is answered as before', async () => {
    const { status, text } = await raw('/nothing-of-the-kind');
    assert.equal(status, 404);
    assert.match(text, /There is nothing at GET/);
    assert.equal((await raw('/healthz')).status, 200);
    assert.equal((await signedFetch(server, '/2015-03-31/functions')).status, 200);
  });
});

describe('pages of other origins', () => {
  const origin = 'https://app.example';
  const preflight = (headers: Record<string, string>) =>
    raw(`/${Bucket}/k`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT', ...headers } });

  test('may what the bucket’s rules let them', async () => {
    await refused(client.send(new GetBucketCorsCommand({ Bucket })), 'NoSuchCORSConfiguration', 404);
    assert.equal((await preflight({})).status, 403);
    const CORSRules = [
      {
        AllowedOrigins: ['https://*.example'],
        AllowedMethods: ['GET', 'PUT'],
        AllowedHeaders: ['x-amz-*', 'content-type'],
        ExposeHeaders: ['ETag'],
        MaxAgeSeconds: 60,
      },
    ];
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    assert.deepEqual((await client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules, CORSRules);
    const allowed = await preflight({ 'access-control-request-headers': 'X-Amz-Date, Content-Type' });
    assert.deepEqual(
      [allowed.status, allowed.headers['access-control-allow-origin'], allowed.headers['access-control-max-age']],
      [200, origin, '60'],
    );
    assert.equal((await preflight({ 'access-control-request-headers': 'authorization' })).status, 403);
    assert.equal((await preflight({ origin: 'https://evil.test' })).status, 403);
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'k' }), { expiresIn: 60 });
    const answer = await fetch(url, { headers: { origin } });
    assert.deepEqual(
      [answer.headers.get('access-control-allow-origin'), answer.headers.get('access-control-expose-headers')],
      [origin, 'ETag'],
    );
    await client.send(new DeleteBucketCorsCommand({ Bucket }));
    assert.equal((await preflight({})).status, 403);
  });

  test('are not kept from the bucket by rules that S3 would not take', async () => {
    for (const age of ['abc', '-1', '1.5', '', '99999999999']) {
      const rule = `<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>${age}</MaxAgeSeconds>`;
      const body = `<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`;
      const answer = await signedFetch(server, `/${Bucket}?cors`, { method: 'PUT', body, service: 's3' });
      assert.match(await answer.text(), /<Code>MalformedXML</, age);
      await refused(client.send(new GetBucketCorsCommand({ Bucket })), 'NoSuchCORSConfiguration', 404);
    }
  });
});
