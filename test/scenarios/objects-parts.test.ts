import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type ChecksumAlgorithm,
  type CompletedPart,
  type ListMultipartUploadsCommandInput,
  type ListMultipartUploadsCommandOutput,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { refused } from './s3-clients.ts';
import { s3World } from './s3-world.ts';
import { until } from './until.ts';

const MiB = 1024 * 1024;
const Bucket = 'parts';
const { server, client, put, bytes } = await s3World(Bucket);

/** Files that hold content, of objects or not. */
function blobs(): string[] {
  const root = join(server.home, 'objects');
  return readdirSync(root).flatMap((folder) => readdirSync(join(root, folder)));
}

async function begin(Key: string, more: object = {}): Promise<{ Bucket: string; Key: string; UploadId: string }> {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  return { Bucket, Key, UploadId };
}

async function upload(to: { Bucket: string; Key: string; UploadId: string }, PartNumber: number, Body: Buffer): Promise<CompletedPart> {
  const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand({ ...to, PartNumber, Body }));
  return { PartNumber, ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) };
}

describe('uploads in parts', () => {
  test('a large object through lib-storage, whole, in ranges and by part', async () => {
    const Body = randomBytes(12 * MiB + 5);
    await new Upload({ client, params: { Bucket, Key: 'large', Body }, partSize: 5 * MiB }).done();
    assert.ok((await bytes('large')).equals(Body));
    // Across the border of two parts.
    assert.ok((await bytes('large', { Range: `bytes=${5 * MiB - 10}-${5 * MiB + 9}` })).equals(Body.subarray(5 * MiB - 10, 5 * MiB + 10)));
    const third = await client.send(new HeadObjectCommand({ Bucket, Key: 'large', PartNumber: 3 }));
    assert.deepEqual([third.PartsCount, third.ContentLength, third.$metadata.httpStatusCode], [3, 2 * MiB + 5, 206]);
    const { ObjectParts, ObjectSize } = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'large', ObjectAttributes: ['ObjectParts', 'ObjectSize', 'Checksum'] }),
    );
    assert.deepEqual(
      [ObjectParts?.TotalPartsCount, ObjectParts?.Parts?.map((p) => p.Size), ObjectSize],
      [3, [5 * MiB, 5 * MiB, 2 * MiB + 5], 12 * MiB + 5],
    );
    await client.send(new CopyObjectCommand({ Bucket, Key: 'large copy', CopySource: `${Bucket}/large` }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'large' }));
    assert.ok((await bytes('large copy')).equals(Body));
  });

  test('the ETag and the checksums are S3’s', async () => {
    const parts = [randomBytes(5 * MiB), randomBytes(100)];
    const md5s = parts.map((p) => createHash('md5').update(p).digest());
    const sums = { SHA256: parts.map((p) => createHash('sha256').update(p).digest()) };
    const to = await begin('etag', { ChecksumAlgorithm: 'SHA256' });
    const done: CompletedPart[] = [];
    for (const [i, part] of parts.entries()) {
      const { ETag, ChecksumSHA256 } = await client.send(
        new UploadPartCommand({ ...to, PartNumber: i + 1, Body: part, ChecksumAlgorithm: 'SHA256' }),
      );
      done.push({ PartNumber: i + 1, ETag, ChecksumSHA256 });
    }
    const completed = await client.send(new CompleteMultipartUploadCommand({ ...to, MultipartUpload: { Parts: done } }));
    assert.equal(completed.ETag, `"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-2"`);
    assert.equal(completed.ChecksumSHA256, `${createHash('sha256').update(Buffer.concat(sums.SHA256)).digest('base64')}-2`);
    assert.equal(completed.ChecksumType, 'COMPOSITE');
  });

  test('a checksum of the whole is that of one upload', async () => {
    const whole = randomBytes(5 * MiB + 77);
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as ChecksumAlgorithm[]) {
      const field = `Checksum${ChecksumAlgorithm}` as 'ChecksumCRC32';
      const single = await client.send(new PutObjectCommand({ Bucket, Key: 'single', Body: whole, ChecksumAlgorithm }));
      const to = await begin('joined', { ChecksumAlgorithm, ChecksumType: 'FULL_OBJECT' });
      const Parts: CompletedPart[] = [];
      for (const [i, Body] of [whole.subarray(0, 5 * MiB), whole.subarray(5 * MiB)].entries()) {
        const { ETag } = await client.send(new UploadPartCommand({ ...to, PartNumber: i + 1, Body, ChecksumAlgorithm }));
        Parts.push({ PartNumber: i + 1, ETag });
      }
      const complete = (more: object) => client.send(new CompleteMultipartUploadCommand({ ...to, MultipartUpload: { Parts }, ...more }));
      await refused(
        complete({ [field]: 'AAAAAA==', ...(ChecksumAlgorithm === 'CRC64NVME' ? { [field]: 'AAAAAAAAAAA=' } : {}) }),
        'BadDigest',
        400,
      );
      const joined = await complete({ [field]: single[field] });
      assert.deepEqual([joined[field], joined.ChecksumType], [single[field], 'FULL_OBJECT']);
    }
  });

  test('parts are listed, replaced, copied from other objects, and refused when wrong', async () => {
    const to = await begin('pieces');
    const first = randomBytes(5 * MiB);
    await upload(to, 1, randomBytes(10));
    const one = await upload(to, 1, first);
    await put('source', '0123456789');
    const copied = await client.send(
      new UploadPartCopyCommand({ ...to, PartNumber: 7, CopySource: `${Bucket}/source`, CopySourceRange: 'bytes=2-5' }),
    );
    await refused(
      client.send(new UploadPartCopyCommand({ ...to, PartNumber: 8, CopySource: `${Bucket}/source`, CopySourceRange: 'bytes=2-50' })),
      'InvalidArgument',
      400,
    );
    const listed = await client.send(new ListPartsCommand({ ...to }));
    assert.deepEqual(
      listed.Parts?.map((p) => [p.PartNumber, p.Size]),
      [
        [1, 5 * MiB],
        [7, 4],
      ],
    );
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'pie' }));
    assert.deepEqual(
      uploads.Uploads?.map((u) => [u.Key, u.UploadId]),
      [['pieces', to.UploadId]],
    );
    const seven = { PartNumber: 7, ETag: copied.CopyPartResult?.ETag };
    const complete = (Parts: CompletedPart[]) => client.send(new CompleteMultipartUploadCommand({ ...to, MultipartUpload: { Parts } }));
    await refused(complete([seven, one]), 'InvalidPartOrder', 400);
    await refused(complete([one, { ...seven, ETag: '"other"' }]), 'InvalidPart', 400);
    await refused(complete([one, { PartNumber: 9, ETag: one.ETag }]), 'InvalidPart', 400);
    // Asked again by who got no answer, then or at the same time, it is what it was; other parts are none that this upload has become.
    const completed = await Promise.all(Array.from({ length: 12 }, () => complete([one, seven])));
    completed.push(await complete([one, seven]));
    assert.equal(new Set(completed.map((c) => `${c.ETag} ${c.ChecksumCRC64NVME}`)).size, 1);
    assert.ok((await bytes('pieces')).equals(Buffer.concat([first, Buffer.from('2345')])));
    await refused(complete([one]), 'NoSuchUpload', 404);
    await refused(upload(to, 2, first), 'NoSuchUpload', 404);
  });

  test('a part that is too small, one that is too many, and an upload that is given up', async () => {
    const to = await begin('small');
    const parts = [await upload(to, 1, randomBytes(10)), await upload(to, 2, randomBytes(10))];
    await refused(client.send(new CompleteMultipartUploadCommand({ ...to, MultipartUpload: { Parts: parts } })), 'EntityTooSmall', 400);
    await refused(client.send(new UploadPartCommand({ ...to, PartNumber: 10_001, Body: 'x' })), 'InvalidArgument', 400);
    const before = blobs().length;
    await client.send(new AbortMultipartUploadCommand({ ...to }));
    await until(() => blobs().length === before - 2);
    await refused(client.send(new AbortMultipartUploadCommand({ ...to })), 'NoSuchUpload', 404);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'small' })), 'NotFound', 404);
  });

  test('lists of uploads go on behind a prefix', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'begun' }));
    for (const Key of ['a', 'dir/1', 'dir/2', 'y', 'y', 'z']) await client.send(new CreateMultipartUploadCommand({ Bucket: 'begun', Key }));
    const pages: (string | undefined)[][] = [];
    for (let next: Partial<ListMultipartUploadsCommandInput> | null = {}; next !== null;) {
      const page: ListMultipartUploadsCommandOutput = await client.send(
        new ListMultipartUploadsCommand({ Bucket: 'begun', Delimiter: '/', MaxUploads: 2, ...next }),
      );
      pages.push([...(page.Uploads ?? []).map((u) => u.Key), ...(page.CommonPrefixes ?? []).map((p) => p.Prefix)]);
      next = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
    }
    assert.deepEqual(pages, [['a', 'dir/'], ['y', 'y'], ['z']]);
  });

  test('what is overwritten or removed leaves no content behind', async () => {
    const before = blobs().length;
    for (let i = 0; i < 3; i += 1) await client.send(new PutObjectCommand({ Bucket, Key: 'again', Body: `version ${i}` }));
    await until(() => blobs().length === before + 1);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'again' }));
    await until(() => blobs().length === before);
  });
});

describe('versions', () => {
  before(() => client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })));

  test('all are kept, hidden by a marker, read and removed by id', async () => {
    const Key = 'versioned';
    const ids: string[] = [];
    for (const Body of ['one', 'two', 'three']) ids.push((await put(Key, Body)).VersionId ?? '');
    assert.equal(new Set(ids).size, 3);
    assert.equal(String(await bytes(Key)), 'three');
    assert.equal(String(await bytes(Key, { VersionId: ids[0] })), 'one');
    const { DeleteMarker, VersionId: marker } = await client.send(new DeleteObjectCommand({ Bucket, Key }));
    assert.equal(DeleteMarker, true);
    await refused(client.send(new GetObjectCommand({ Bucket, Key })), 'NoSuchKey', 404);
    await refused(client.send(new GetObjectCommand({ Bucket, Key, VersionId: marker })), 'MethodNotAllowed', 405);
    const listed = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
    assert.deepEqual(
      listed.Versions?.map((v) => [v.VersionId, v.IsLatest]),
      ids.toReversed().map((id) => [id, false]),
    );
    assert.deepEqual(
      listed.DeleteMarkers?.map((v) => [v.VersionId, v.IsLatest]),
      [[marker, true]],
    );
    await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: marker }));
    assert.equal(String(await bytes(Key)), 'three');
    await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: ids[2] }));
    assert.equal(String(await bytes(Key)), 'two');
    await refused(client.send(new GetObjectCommand({ Bucket, Key, VersionId: ids[2] })), 'NoSuchVersion', 404);
  });

  test('page by page, one version at a time', async () => {
    for (const Key of ['pages/a', 'pages/b']) for (const Body of ['1', '2']) await put(Key, Body);
    const seen: (string | undefined)[] = [];
    let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
    for (;;) {
      const page = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'pages/', MaxKeys: 1, ...next }));
      seen.push(...(page.Versions ?? []).map((v) => v.Key));
      if (page.IsTruncated !== true) break;
      next = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
    assert.deepEqual(seen, ['pages/a', 'pages/a', 'pages/b', 'pages/b']);
  });

  test('page by page, while what was listed is removed: nothing is skipped', async () => {
    for (let i = 0; i < 5; i += 1) await put('emptied/k', String(i));
    await put('emptied/l', 'last');
    const sizes: number[] = [];
    for (let next: Partial<ListObjectVersionsCommandInput> | null = {}; next !== null;) {
      const page: ListObjectVersionsCommandOutput = await client.send(
        new ListObjectVersionsCommand({ Bucket, Prefix: 'emptied/', MaxKeys: 2, ...next }),
      );
      const Versions = page.Versions ?? [];
      sizes.push(Versions.length);
      for (const { Key, VersionId } of Versions) await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
      next = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
    }
    assert.deepEqual(sizes, [2, 2, 2]);
    assert.equal((await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'emptied/' }))).Versions, undefined);
  });

  test('page by page, while the last of each page is removed: nothing comes twice', async () => {
    for (let i = 0; i < 5; i += 1) await put('thinned', String(i));
    const seen: (string | undefined)[] = [];
    for (let next: Partial<ListObjectVersionsCommandInput> | null = {}; next !== null;) {
      const page: ListObjectVersionsCommandOutput = await client.send(
        new ListObjectVersionsCommand({ Bucket, Prefix: 'thinned', MaxKeys: 2, ...next }),
      );
      const ids = (page.Versions ?? []).map((v) => v.VersionId);
      seen.push(...ids);
      await client.send(new DeleteObjectCommand({ Bucket, Key: 'thinned', VersionId: ids.at(-1) }));
      next = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
    }
    assert.deepEqual([seen.length, new Set(seen).size], [5, 5]);
  });

  test('a marker may be the bare id of a version; of one that is gone, its key comes from its start', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      ids.unshift((await put('bare', String(i))).VersionId ?? '');
    }
    const after = async (VersionIdMarker?: string): Promise<(string | undefined)[] | undefined> =>
      (await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'bare', KeyMarker: 'bare', VersionIdMarker }))).Versions?.map(
        (v) => v.VersionId,
      );
    assert.deepEqual(await after(ids[1]), [ids[2]]);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'bare', VersionId: ids[1] }));
    assert.deepEqual(await after(ids[1]), [ids[0], ids[2]]);
    assert.equal(await after(), undefined);
  });

  test('suspended, the version called null is replaced', async () => {
    const Key = 'suspended';
    const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'kept' }));
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }));
    for (const Body of ['a', 'b']) assert.equal((await put(Key, Body)).VersionId, undefined);
    const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
    assert.deepEqual(
      Versions?.map((v) => v.VersionId),
      ['null', VersionId],
    );
    const { VersionId: marker } = await client.send(new DeleteObjectCommand({ Bucket, Key }));
    assert.equal(marker, 'null');
    assert.equal(String(await bytes(Key, { VersionId })), 'kept');
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  });
});
