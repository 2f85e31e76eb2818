import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { s3World } from './s3-world.ts';
import { clientOptions, credentialsOf } from './server-credentials.ts';

const Bucket = 'presigned';
const { server, client, put: putObject, text } = await s3World(Bucket);

describe('what the SDK moves from headers into a URL', () => {
  const put = async (input: Partial<PutObjectCommandInput>, by = client): Promise<Response> => {
    const url = await getSignedUrl(by, new PutObjectCommand({ Bucket, Key: 'k', ...input }), { expiresIn: 60 });
    return fetch(url, { method: 'PUT', body: 'content' });
  };

  test('is kept of an upload, as if it were in headers', async () => {
    const stored = await put({ Metadata: { who: 'me', title: '日本' }, Tagging: 'a=1&b=2', StorageClass: 'STANDARD_IA' });
    assert.equal(stored.status, 200, await stored.clone().text());
    const seen = await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }));
    assert.deepEqual([seen.Metadata, seen.StorageClass], [{ who: 'me', title: '=?UTF-8?B?5pel5pys?=' }, 'STANDARD_IA']);
    assert.deepEqual((await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'k' }))).TagSet, [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]);
    assert.equal(await text('k'), 'content');
  });

  test('makes a copy of what copies, and a multipart upload with its checksum', async () => {
    await putObject('source', 'copied');
    await putObject('target', 'old');
    const copy = await getSignedUrl(client, new CopyObjectCommand({ Bucket, Key: 'target', CopySource: `${Bucket}/source` }));
    const copied = await fetch(copy, { method: 'PUT' });
    assert.match(await copied.text(), /<CopyObjectResult /);
    assert.equal(await text('target'), 'copied');
    const input = { Bucket, Key: 'parts', ChecksumAlgorithm: 'SHA256' } as const;
    const begun = await (await fetch(await getSignedUrl(client, new CreateMultipartUploadCommand(input)), { method: 'POST' })).text();
    const UploadId = /<UploadId>(\w+)</.exec(begun)?.[1];
    assert.equal((await client.send(new ListPartsCommand({ Bucket, Key: 'parts', UploadId }))).ChecksumAlgorithm, 'SHA256');
  });

  test('is refused where its header would be', async () => {
    for (const [input, code] of [
      [{ ACL: 'public-read' }, 'AccessControlListNotSupported'],
      [{ ObjectLockMode: 'GOVERNANCE' }, 'NotImplemented'],
      [{ StorageClass: 'NONE' as never }, 'InvalidStorageClass'],
    ] as const) {
      const answer = await put({ Key: 'refused', ...input });
      assert.match(await answer.text(), new RegExp(`<Code>${code}</Code>`));
    }
    const nameless = await put({ Key: 'refused', Metadata: { 'a b': 'x' } });
    assert.match(await nameless.text(), /<Code>InvalidArgument</);
  });

  test('needs the permission that its header would', async () => {
    const { id, secret } = await server.client.keys.create({
      statements: [{ Effect: 'Allow', Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/*` }],
    });
    const writer = new S3Client({ ...clientOptions(server), credentials: { accessKeyId: id, secretAccessKey: secret } });
    assert.equal((await put({ Key: 'plain' }, writer)).status, 200);
    assert.equal((await put({ Key: 'tagged', Tagging: 'a=1' }, writer)).status, 403);
    const copy = await getSignedUrl(writer, new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k` }));
    assert.equal((await fetch(copy, { method: 'PUT' })).status, 403);
    writer.destroy();
  });

  test('counts only where it is signed', async () => {
    const url = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: 'k' }));
    assert.equal((await fetch(`${url}&x-amz-meta-by=another`, { method: 'PUT', body: 'x' })).status, 403);
    // Signature Version 2 covers no such parameters, and whoever has the URL could add them.
    const { accessKeyId, secretAccessKey } = credentialsOf(server.home);
    const expires = Math.floor(Date.now() / 1000) + 60;
    const signature = createHmac('sha1', secretAccessKey).update(`PUT\n\n\n${expires}\n/${Bucket}/v2`).digest('base64');
    const query = new URLSearchParams({ AWSAccessKeyId: accessKeyId, Expires: String(expires), Signature: signature });
    const added = `x-amz-copy-source=${Bucket}%2Fsource&x-amz-meta-by=another`;
    const answer = await fetch(`${server.endpoint}/${Bucket}/v2?${query.toString()}&${added}`, { method: 'PUT', body: Buffer.from('own') });
    assert.equal(answer.status, 200, await answer.text());
    assert.equal(await text('v2'), 'own');
    assert.deepEqual((await client.send(new HeadObjectCommand({ Bucket, Key: 'v2' }))).Metadata, {});
  });
});

test('a form is refused what a header is', async () => {
  for (const [Fields, code] of [
    [{ acl: 'public-read' }, 'AccessControlListNotSupported'],
    [{ 'x-amz-server-side-encryption': 'aws:kms' }, 'NotImplemented'],
    [{ 'x-amz-website-redirect-location': '/' }, 'NotImplemented'],
    [{ acl: 'private', 'x-amz-server-side-encryption': 'AES256' }, null],
  ] as [Record<string, string>, string | null][]) {
    const { url, fields } = await createPresignedPost(client, { Bucket, Key: 'asks', Fields });
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob(['x']), 'asks');
    const answer = await fetch(url, { method: 'POST', body: form });
    if (code === null) assert.equal(answer.status, 204);
    else assert.match(await answer.text(), new RegExp(`<Code>${code}</Code>`));
  }
});

test('a form with a file that is far too large is answered as one that is a little', async () => {
  const Conditions = [['content-length-range', 1, 1000] as ['content-length-range', number, number]];
  const { url, fields } = await createPresignedPost(client, { Bucket, Key: 'large', Conditions });
  for (const bytes of [1001, 300_000, 5_000_000]) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([Buffer.alloc(bytes)]), 'large');
    const answer = await fetch(url, { method: 'POST', body: form });
    assert.match(await answer.text(), /<Code>EntityTooLarge</);
  }
});
