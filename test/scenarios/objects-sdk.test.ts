import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { before, describe, test } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  paginateListBuckets,
  paginateListObjectsV2,
  type ChecksumAlgorithm,
} from '@aws-sdk/client-s3';
import { refused } from './s3-clients.ts';
import { s3World } from './s3-world.ts';
import { signedFetch } from './server-credentials.ts';

const Bucket = 'pictures';
const { server, client, put, text } = await s3World(Bucket);

describe('buckets', () => {
  test('are made, found, listed and removed when empty', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'second' }));
    await client.send(new CreateBucketCommand({ Bucket: 'second' })); // as in S3's first region
    await client.send(new HeadBucketCommand({ Bucket: 'second' }));
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    assert.deepEqual(
      Buckets?.map((b) => b.Name),
      [Bucket, 'second'],
    );
    assert.equal((await client.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint, undefined);
    await client.send(new PutObjectCommand({ Bucket: 'second', Key: 'k', Body: 'x' }));
    await refused(client.send(new DeleteBucketCommand({ Bucket: 'second' })), 'BucketNotEmpty', 409);
    await client.send(new DeleteObjectCommand({ Bucket: 'second', Key: 'k' }));
    await client.send(new DeleteBucketCommand({ Bucket: 'second' }));
    await refused(client.send(new HeadBucketCommand({ Bucket: 'second' })), 'NotFound', 404);
    await refused(client.send(new ListObjectsV2Command({ Bucket: 'second' })), 'NoSuchBucket', 404);
  });

  test('are listed in pages of as many as are asked for, which must be a number', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'paged' }));
    const names: (string | undefined)[] = [];
    for await (const page of paginateListBuckets({ client, pageSize: 1 }, {})) names.push(...(page.Buckets ?? []).map((b) => b.Name));
    assert.deepEqual(names, ['paged', Bucket]);
    for (const most of ['-1', '0', 'x', '1.5']) {
      const answer = await signedFetch(server, `/?max-buckets=${most}`, { service: 's3' });
      assert.match(await answer.text(), /<Code>InvalidArgument</, most);
    }
    await client.send(new DeleteBucketCommand({ Bucket: 'paged' }));
  });

  test('have names that S3 takes, and that are no path of Hearth', async () => {
    for (const name of ['ab', 'UPPER', 'a..b', '127.0.0.1', 'hearth', '2015-03-31', 'under_score', 'xn--a']) {
      await refused(client.send(new CreateBucketCommand({ Bucket: name })), 'InvalidBucketName', 400);
    }
  });
});

describe('objects', () => {
  test('come back as they were put, with their headers and metadata', async () => {
    const Body = randomBytes(100_000);
    const stored = await client.send(
      new PutObjectCommand({
        Bucket,
        Key: 'a b+c/ü.jpg',
        Body,
        ContentType: 'image/jpeg',
        CacheControl: 'no-cache',
        ContentEncoding: 'gzip',
        Metadata: { who: 'me' },
      }),
    );
    const etag = `"${createHash('md5').update(Body).digest('hex')}"`;
    assert.equal(stored.ETag, etag);
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a b+c/ü.jpg' }));
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), Body);
    assert.deepEqual(
      [got.ContentType, got.CacheControl, got.ContentEncoding, got.Metadata, got.ETag, got.ContentLength, got.AcceptRanges],
      ['image/jpeg', 'no-cache', 'gzip', { who: 'me' }, etag, 100_000, 'bytes'],
    );
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'a b+c/ü.jpg' }));
    assert.deepEqual([head.ContentLength, head.ETag, head.Metadata], [100_000, etag, { who: 'me' }]);
    await refused(client.send(new GetObjectCommand({ Bucket, Key: 'nothing' })), 'NoSuchKey', 404);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'nothing' })), 'NotFound', 404);
  });

  test('a stream of unknown length and one that is chunked and signed in its trailer', async () => {
    const body = randomBytes(3_000_000);
    const pieces = Array.from({ length: 30 }, (_, i) => body.subarray(i * 100_000, (i + 1) * 100_000));
    await client.send(new PutObjectCommand({ Bucket, Key: 'stream', Body: Readable.from(pieces), ContentLength: body.length }));
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'stream', ChecksumMode: 'ENABLED' }));
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), body);
    assert.ok(got.ChecksumCRC32);
  });

  test('every key that S3 takes, and none of them is a path', async () => {
    const keys = ['../../x', '..', '/abs', 'a//b', './c', 'trailing/', 'quote"<&>\'', '%41', 'new\nline', '日本語', '🙂', 'k'.repeat(1024)];
    for (const key of keys) await put(key, `content of ${key.slice(0, 20)}`);
    for (const key of keys) assert.equal(await text(key), `content of ${key.slice(0, 20)}`, key);
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
    for (const key of keys)
      assert.ok(
        Contents?.some((o) => o.Key === key),
        key,
      );
    await refused(put('k'.repeat(1025)), 'KeyTooLongError', 400);
    await refused(put('ü'.repeat(513)), 'KeyTooLongError', 400);
    await refused(put('nul\0'), 'InvalidArgument', 400);
    const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
    assert.deepEqual([Deleted?.length, Errors], [keys.length, undefined]);
  });

  test('checksums of every kind are kept, and a wrong one stores nothing', async () => {
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as ChecksumAlgorithm[]) {
      const Key = `sum-${ChecksumAlgorithm}`;
      const stored = await client.send(new PutObjectCommand({ Bucket, Key, Body: '123456789', ChecksumAlgorithm }));
      const seen = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
      const field = `Checksum${ChecksumAlgorithm}` as 'ChecksumCRC32';
      assert.ok(stored[field]);
      assert.deepEqual([seen[field], seen.ChecksumType], [stored[field], 'FULL_OBJECT']);
    }
    const crc = (await client.send(new HeadObjectCommand({ Bucket, Key: 'sum-CRC64NVME', ChecksumMode: 'ENABLED' }))).ChecksumCRC64NVME;
    assert.equal(crc, 'rosUhgp5mIg=');
    const wrong = (more: object) => client.send(new PutObjectCommand({ Bucket, Key: 'wrong', Body: 'content', ...more }));
    await refused(wrong({ ChecksumSHA256: Buffer.alloc(32).toString('base64') }), 'BadDigest', 400);
    await refused(wrong({ ChecksumCRC32: 'AAAAAA==' }), 'BadDigest', 400);
    await refused(wrong({ ContentMD5: Buffer.alloc(16).toString('base64') }), 'BadDigest', 400);
    await refused(wrong({ ContentMD5: 'short' }), 'InvalidDigest', 400);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'wrong' })), 'NotFound', 404);
  });

  test('ranges and conditions', async () => {
    const { ETag = '' } = await put('range', '0123456789');
    assert.equal(await text('range', { Range: 'bytes=2-4' }), '234');
    assert.equal(await text('range', { Range: 'bytes=-3' }), '789');
    assert.equal(await text('range', { Range: 'bytes=7-' }), '789');
    const part = await client.send(new GetObjectCommand({ Bucket, Key: 'range', Range: 'bytes=0-0' }));
    assert.deepEqual([part.$metadata.httpStatusCode, part.ContentRange, part.ContentLength], [206, 'bytes 0-0/10', 1]);
    await refused(client.send(new GetObjectCommand({ Bucket, Key: 'range', Range: 'bytes=10-' })), 'InvalidRange', 416);
    const get = (more: object) => client.send(new GetObjectCommand({ Bucket, Key: 'range', ...more }));
    assert.equal(await text('range', { IfMatch: ETag }), '0123456789');
    await refused(get({ IfMatch: '"other"' }), 'PreconditionFailed', 412);
    await assert.rejects(get({ IfNoneMatch: ETag }), (e: { $metadata: { httpStatusCode: number } }) => e.$metadata.httpStatusCode === 304);
    await assert.rejects(
      get({ IfModifiedSince: new Date(Date.now() + 60_000) }),
      (e: { $metadata: { httpStatusCode: number } }) => e.$metadata.httpStatusCode === 304,
    );
    await refused(get({ IfUnmodifiedSince: new Date(0) }), 'PreconditionFailed', 412);
    assert.equal(await text('range', { IfMatch: ETag, IfUnmodifiedSince: new Date(0) }), '0123456789');
    const write = (more: object, Key = 'range') => client.send(new PutObjectCommand({ Bucket, Key, Body: 'new', ...more }));
    await refused(write({ IfNoneMatch: '*' }), 'PreconditionFailed', 412);
    await refused(write({ IfMatch: '"other"' }), 'PreconditionFailed', 412);
    await refused(write({ IfMatch: ETag }, 'absent'), 'NoSuchKey', 404);
    await write({ IfMatch: ETag });
    await write({ IfNoneMatch: '*' }, 'fresh');
    assert.equal(await text('range'), 'new');
  });

  test('of twenty who put the same new key at once with If-None-Match, one does', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => client.send(new PutObjectCommand({ Bucket, Key: 'once', Body: String(i), IfNoneMatch: '*' }))),
    );
    assert.equal(outcomes.filter((o) => o.status === 'fulfilled').length, 1);
  });

  test('copies, with their metadata or with new', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'from ü', Body: 'copied', Metadata: { a: '1' }, Tagging: 't=1' }));
    const CopySource = `${Bucket}/${encodeURIComponent('from ü')}`;
    const copied = await client.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource }));
    assert.ok(copied.CopyObjectResult?.ETag);
    const seen = await client.send(new GetObjectCommand({ Bucket, Key: 'to' }));
    assert.deepEqual([await seen.Body?.transformToString(), seen.Metadata, seen.TagCount], ['copied', { a: '1' }, 1]);
    await client.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource, MetadataDirective: 'REPLACE', Metadata: { b: '2' } }));
    assert.deepEqual((await client.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).Metadata, { b: '2' });
    await refused(client.send(new CopyObjectCommand({ Bucket, Key: 'from ü', CopySource })), 'InvalidRequest', 400);
    await refused(client.send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource: `${Bucket}/nothing` })), 'NoSuchKey', 404);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'from ü' }));
    assert.equal(await text('to'), 'copied');
  });

  test('tags', async () => {
    await put('tagged');
    const tagging = { TagSet: [{ Key: 'kind', Value: 'cat & dog' }] };
    await client.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: tagging }));
    assert.deepEqual((await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))).TagSet, tagging.TagSet);
    const many = { TagSet: Array.from({ length: 11 }, (_, i) => ({ Key: `k${i}`, Value: '' })) };
    await refused(client.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: many })), 'BadRequest', 400);
    await client.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'tagged' }));
    assert.deepEqual((await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))).TagSet, []);
  });

  test('attributes', async () => {
    await put('attributed', 'hello');
    const got = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'attributed', ObjectAttributes: ['ETag', 'ObjectSize', 'StorageClass', 'Checksum'] }),
    );
    assert.deepEqual([got.ETag, got.ObjectSize, got.StorageClass], ['5d41402abc4b2a76b9719d911017c592', 5, 'STANDARD']);
    assert.ok(got.Checksum?.ChecksumCRC32);
    for (const more of [{ 'x-amz-max-parts': 'x' }, { 'x-amz-part-number-marker': '-1' }] as Record<string, string>[]) {
      const headers = { 'x-amz-object-attributes': 'ObjectParts', ...more };
      const answer = await signedFetch(server, `/${Bucket}/attributed?attributes`, { headers, service: 's3' });
      assert.match(await answer.text(), /<Code>InvalidArgument</, JSON.stringify(more));
    }
  });
});

describe('lists', () => {
  const keys = ['asdf', 'boo/bar', 'boo/baz/xyzzy', 'cquux/bla', 'cquux/thud', 'ünder', 'z z'];
  before(async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'lists' }));
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: 'lists', Key, Body: 'x' }));
  });
  const v2 = (more: object) => client.send(new ListObjectsV2Command({ Bucket: 'lists', ...more }));

  test('keys and prefixes, page by page', async () => {
    const seen: string[] = [];
    for await (const page of paginateListObjectsV2({ client, pageSize: 1 }, { Bucket: 'lists', Delimiter: '/' })) {
      seen.push(...(page.Contents ?? []).map((o) => o.Key ?? ''), ...(page.CommonPrefixes ?? []).map((p) => p.Prefix ?? ''));
    }
    assert.deepEqual(seen, ['asdf', 'boo/', 'cquux/', 'z z', 'ünder']);
    const deep = await v2({ Delimiter: '/', Prefix: 'boo/' });
    assert.deepEqual([deep.Contents?.map((o) => o.Key), deep.CommonPrefixes?.map((p) => p.Prefix)], [['boo/bar'], ['boo/baz/']]);
    assert.deepEqual(
      (await v2({ StartAfter: 'cquux/bla' })).Contents?.map((o) => o.Key),
      ['cquux/thud', 'z z', 'ünder'],
    );
    const none = await v2({ MaxKeys: 0 });
    assert.deepEqual([none.KeyCount, none.IsTruncated], [0, false]);
    await refused(v2({ ContinuationToken: 'rubbish' }), 'InvalidArgument', 400);
  });

  test('the first version, with markers', async () => {
    const v1 = (more: object) => client.send(new ListObjectsCommand({ Bucket: 'lists', ...more }));
    const first = await v1({ Delimiter: '/', MaxKeys: 2 });
    assert.deepEqual([first.IsTruncated, first.NextMarker], [true, 'boo/']);
    const next = await v1({ Delimiter: '/', MaxKeys: 2, Marker: first.NextMarker });
    assert.deepEqual([next.CommonPrefixes?.map((p) => p.Prefix), next.Contents?.map((o) => o.Key)], [['cquux/'], ['z z']]);
    const encoded = await v1({ EncodingType: 'url', Marker: 'cquux/thud' });
    assert.deepEqual(
      encoded.Contents?.map((o) => o.Key),
      ['z+z', '%C3%BCnder'],
    );
  });

  test('a list of 1,200 keys below one prefix is one line with a delimiter, and two pages without', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'many' }));
    for (let at = 0; at < 1200; at += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, i) => client.send(new PutObjectCommand({ Bucket: 'many', Key: `p/${at + i}`, Body: 'x' }))),
      );
    }
    const one = await client.send(new ListObjectsV2Command({ Bucket: 'many', Delimiter: '/' }));
    assert.deepEqual([one.CommonPrefixes?.length, one.KeyCount, one.IsTruncated], [1, 1, false]);
    const sizes: number[] = [];
    for await (const page of paginateListObjectsV2({ client }, { Bucket: 'many' })) sizes.push(page.KeyCount ?? 0);
    assert.deepEqual(sizes, [1000, 200]);
  });
});
