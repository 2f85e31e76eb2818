import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { BlobHold, BlobWriter } from '../../src/objects/blobs.ts';
import { FileBlobs } from '../../src/objects/file-blobs.ts';
import { ServerProcess } from './platform-process.ts';
import { TestServer } from './platform-server.ts';
import { refused, s3Client } from './s3-clients.ts';
import { until } from './until.ts';

const Bucket = 'faults';
const homes: string[] = [];
after(async () => {
  await ServerProcess.endAll();
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

function blobs(home: string): string[] {
  const root = join(home, 'objects');
  return readdirSync(root).flatMap((folder) => readdirSync(join(root, folder)));
}

/** Begins to upload by a presigned URL and sends the half; returns the connection when the server holds content. */
async function sendHalf(client: S3Client, home: string): Promise<Socket> {
  const half = 3 * 1024 * 1024;
  const url = new URL(await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: 'half' }), { expiresIn: 60 }));
  const socket = connect(Number(url.port), url.hostname);
  socket.on('error', () => undefined);
  socket.write(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-length: ${2 * half}\r\n\r\n`);
  socket.write(Buffer.alloc(half));
  await until(() => blobs(home).length > 0);
  return socket;
}

describe('an upload', () => {
  test('that is cut off in the middle leaves nothing', async () => {
    await using server = await TestServer.start();
    const client = s3Client(server);
    await client.send(new CreateBucketCommand({ Bucket }));
    (await sendHalf(client, server.home)).destroy();
    await until(() => blobs(server.home).length === 0);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'half' })), 'NotFound', 404);
    client.destroy();
  });

  test('under way when the server is killed leaves nothing; what was acknowledged is there, whole', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hearth-scenario-'));
    homes.push(home);
    const first = await ServerProcess.start({ home });
    const target = { endpoint: first.client.endpoint, home } as unknown as TestServer;
    const client = s3Client(target);
    await client.send(new CreateBucketCommand({ Bucket }));
    const half = await sendHalf(client, home);
    const acknowledged: string[] = [];
    const stop = new AbortController();
    const writer = async (name: string): Promise<void> => {
      for (let i = 0; !stop.signal.aborted; i += 1) {
        const Key = `${name}/${i}`;
        await client.send(new PutObjectCommand({ Bucket, Key, Body: Key.repeat(5000) }));
        acknowledged.push(Key);
      }
    };
    const writers = ['a', 'b', 'c', 'd'].map((name) => writer(name).catch(() => undefined));
    await until(() => acknowledged.length >= 40);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    half.destroy();
    stop.abort();
    await Promise.all(writers);
    client.destroy();

    const before = blobs(home).length;
    const second = await ServerProcess.start({ home });
    const again = s3Client({ endpoint: second.client.endpoint, home } as unknown as TestServer);
    const seen = new Set<string>();
    for (let token: string | undefined; ;) {
      const page = await again.send(new ListObjectsV2Command({ Bucket, ContinuationToken: token }));
      for (const o of page.Contents ?? []) seen.add(o.Key ?? '');
      token = page.NextContinuationToken;
      if (token === undefined) break;
    }
    for (const Key of acknowledged) assert.ok(seen.has(Key), `${Key} was acknowledged`);
    for (const Key of seen) {
      const { Body } = await again.send(new GetObjectCommand({ Bucket, Key }));
      assert.equal(await Body?.transformToString(), Key.repeat(5000));
    }
    assert.ok(!seen.has('half') && before > seen.size, 'the half of an upload lay there');
    await until(() => blobs(home).length === seen.size); // the sweep has taken the rest
    again.destroy();
  });
});

test('an upload is answered, and seen, once it is on the disk: not while it is being synced, and not when that fails', async (t) => {
  await using server = await TestServer.start();
  const client = s3Client(server);
  await client.send(new CreateBucketCommand({ Bucket }));
  const file = await open(process.execPath, 'r');
  const handles = Object.getPrototypeOf(file) as { sync: () => Promise<void> };
  await file.close();
  const { sync } = handles;
  let [synced, go] = [0, (): void => {}];
  let gate: Promise<void> = new Promise((resolve) => (go = resolve));
  t.mock.method(handles, 'sync', async function (this: unknown) {
    synced++;
    await gate;
    await sync.call(this);
  });
  const stored = client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'content' }));
  let answered = false;
  void stored.then(() => (answered = true));
  await until(() => synced === 1);
  await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'k' })), 'NotFound', 404);
  assert.equal(answered, false);
  go();
  await stored;
  assert.ok(synced >= 2, 'the file and its folder');
  gate = Promise.reject(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }));
  gate.catch(() => {});
  const failed = client.send(new PutObjectCommand({ Bucket, Key: 'lost', Body: 'content' }));
  await assert.rejects(failed, (e: { $metadata: { httpStatusCode: number } }) => e.$metadata.httpStatusCode === 500);
  t.mock.restoreAll();
  await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'lost' })), 'NotFound', 404);
  await until(() => blobs(server.home).length === 1);
  client.destroy();
});

test('a copy of what is overwritten at that moment is of the new content; of what always is, SDKs are told to try again', async (t) => {
  await using server = await TestServer.start();
  const client = s3Client(server);
  await client.send(new CreateBucketCommand({ Bucket }));
  let [written, races] = [0, 0];
  const overwrite = () => client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: `content ${++written}` }));
  await overwrite();
  const { duplicate, hold } = FileBlobs.prototype as unknown as {
    readonly duplicate: (id: string) => Promise<BlobWriter>;
    readonly hold: (ids: readonly string[]) => BlobHold;
  };
  t.mock.method(FileBlobs.prototype, 'duplicate', async function (this: FileBlobs, id: string) {
    if (races-- > 0) await overwrite();
    return duplicate.call(this, id);
  });
  t.mock.method(FileBlobs.prototype, 'hold', function (this: FileBlobs, ids: readonly string[]): BlobHold {
    if (races-- <= 0) return hold.call(this, ids);
    const late = hold.call(this, []);
    async function* read(id: string, start: number, end: number): AsyncGenerator<Buffer> {
      await overwrite();
      yield* late.read(id, start, end);
    }
    return { ...late, read };
  });
  const read = async (Key: string): Promise<string | undefined> =>
    (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
  const source = { Bucket, CopySource: `${Bucket}/source` };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
  const part = { ...source, Key: 'parts', UploadId, PartNumber: 1 };
  const copies = [
    () => client.send(new CopyObjectCommand({ ...source, Key: 'linked' })),
    () => client.send(new CopyObjectCommand({ ...source, Key: 'rewritten', ChecksumAlgorithm: 'SHA256' })),
    () => client.send(new UploadPartCopyCommand(part)),
    () => client.send(new GetObjectCommand({ Bucket, Key: 'source' })),
  ];
  for (const copy of copies) {
    races = 1;
    await copy();
    races = Infinity;
    await refused(copy(), 'SlowDown', 503);
    races = 0;
  }
  races = 1;
  await client.send(new CopyObjectCommand({ ...source, Key: 'linked' }));
  assert.equal(await read('linked'), `content ${written}`);
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'source' }));
  for (const copy of copies) await refused(copy(), 'NoSuchKey', 404);
  client.destroy();
});

test('objects of any size pass through in the memory of a few', async () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-scenario-'));
  homes.push(home);
  const server = await ServerProcess.start({ home });
  const client = s3Client({ endpoint: server.client.endpoint, home } as unknown as TestServer);
  await client.send(new CreateBucketCommand({ Bucket }));
  /** The most that the server ever had resident, bytes. */
  const peak = (): number => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) * 1024;
  const MiB = 1024 * 1024;
  const chunk = Buffer.alloc(MiB, 'hearth ');
  const send = (Key: string, chunks: number) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body: Readable.from(Array(chunks).fill(chunk)), ContentLength: chunks * MiB }));
  await send('warm', 16);
  const before = peak();
  const size = 512;
  await send('large', size);
  await client.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/large` }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'copied' }));
  let bytes = 0;
  for await (const piece of Body as Readable) bytes += (piece as Buffer).length;
  assert.equal(bytes, size * MiB);
  const grown = (peak() - before) / MiB;
  assert.ok(grown < size / 4, `${grown} MB more for an object of ${size} MB`);
  client.destroy();
  await server.end('SIGTERM');
});

test('an object whose content is lost is told from one that is only replaced', async () => {
  await using server = await TestServer.start();
  const client = s3Client(server);
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'lost', Body: 'lost' }));
  const [blob = ''] = blobs(server.home);
  rmSync(join(server.home, 'objects', blob.slice(0, 2), blob));
  const error = await refused(client.send(new GetObjectCommand({ Bucket, Key: 'lost' })), 'InternalError', 500);
  assert.match(error.message, new RegExp(`is lost.*${blob}`));
  await refused(client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/lost` })), 'InternalError', 500);
  await client.send(new PutObjectCommand({ Bucket, Key: 'lost', Body: 'again' }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'lost' }));
  assert.equal(await Body?.transformToString(), 'again');
  client.destroy();
});

describe('a full disk', () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-scenario-'));
  const folder = join(home, 'objects');
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]).status === 0;
  after(() => {
    if (mounted) spawnSync('umount', [folder]);
    rmSync(home, { recursive: true, force: true });
  });

  test(
    'refuses an upload, shows nothing of it, and recovers',
    { skip: !mounted && 'a small file system can be mounted by root only' },
    async () => {
      const server = await TestServer.start({ home });
      const client = s3Client(server);
      await client.send(new CreateBucketCommand({ Bucket }));
      await client.send(new PutObjectCommand({ Bucket, Key: 'small', Body: 'kept' }));
      const large = new PutObjectCommand({ Bucket, Key: 'large', Body: Buffer.alloc(12 * 1024 * 1024) });
      await refused(client.send(large), 'StorageFull', 507);
      await refused(client.send(new HeadObjectCommand({ Bucket, Key: 'large' })), 'NotFound', 404);
      assert.equal(blobs(home).length, 1);
      await client.send(new PutObjectCommand({ Bucket, Key: 'large', Body: Buffer.alloc(4 * 1024 * 1024) }));
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'small' }));
      assert.equal(await Body?.transformToString(), 'kept');
      client.destroy();
      await server.stop();
    },
  );
});
