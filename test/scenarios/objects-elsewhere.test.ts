import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { refused, s3Client } from './s3-clients.ts';
import { until } from './until.ts';

const folder = mkdtempSync(join(tmpdir(), 'hearth-folder-'));
// By a link, as where the folder is on another disk.
const linked = `${folder}-link`;
symlinkSync(folder, linked);
const watch = [{ bucket: 'dropped', folder: linked }];
let server: TestServer;
let client: S3Client;
let diary: Diary;

before(async () => {
  diary = await Diary.open();
  server = await TestServer.start({ watch });
  client = s3Client(server);
  const [node] = await languages();
  await server.deploy('diary', 'objects-diary', {
    runtime: node?.runtime,
    handler: handlerOf('node'),
    environment: { DIARY: diary.url },
    triggers: [
      { objects: { bucket: 'dropped', events: ['created', 'removed'] } },
      { objects: { bucket: 'elsewhere', prefix: 'in/', external: true } },
      { objects: { bucket: 'stores', prefix: 'in/', suffix: '.jpg', events: ['created', 'removed'], external: true } },
      { objects: { bucket: 'elsewhere.cloud', external: true, shape: 'cloudevents' } },
    ],
  });
});
after(async () => {
  client.destroy();
  await diary[Symbol.asyncDispose]();
  for (const path of [linked, folder]) rmSync(path, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
});

interface Told {
  readonly eventName: string;
  readonly s3: { readonly bucket: { readonly name: string }; readonly object: { readonly key: string } };
}

function told(bucket: string): string[] {
  return diary.entries
    .flatMap((e) => (e.event['Records'] as Told[] | undefined) ?? [])
    .filter((r) => r.s3.bucket.name === bucket)
    .map((r) => `${r.eventName} ${r.s3.object.key}`);
}

describe('a folder that is a bucket', () => {
  const content = async (Key: string): Promise<string | undefined> =>
    (await client.send(new GetObjectCommand({ Bucket: 'dropped', Key }))).Body?.transformToString();

  test('a file that is dropped, changed and removed', async () => {
    mkdirSync(join(folder, 'sub dir'));
    writeFileSync(join(folder, 'sub dir/ü.txt'), 'one');
    await until(() => told('dropped').includes('ObjectCreated:Put sub+dir/%C3%BC.txt'));
    assert.equal(await content('sub dir/ü.txt'), 'one');
    writeFileSync(join(folder, 'sub dir/ü.txt'), 'another');
    await until(() => told('dropped').length === 2);
    assert.equal(await content('sub dir/ü.txt'), 'another');
    rmSync(join(folder, 'sub dir/ü.txt'));
    await until(() => told('dropped').includes('ObjectRemoved:Delete sub+dir/%C3%BC.txt'));
    await refused(client.send(new GetObjectCommand({ Bucket: 'dropped', Key: 'sub dir/ü.txt' })), 'NoSuchKey', 404);
  });

  test('what is still being written, hidden, or a link out of the folder is passed over', async () => {
    const before = told('dropped').length;
    writeFileSync(join(folder, 'download.part'), 'half');
    writeFileSync(join(folder, '.hidden'), 'x');
    symlinkSync('/etc/hostname', join(folder, 'link'));
    renameSync(join(folder, 'download.part'), join(folder, 'download.bin'));
    writeFileSync(join(folder, 'last'), 'x');
    await until(() => told('dropped').length === before + 2);
    assert.deepEqual(told('dropped').slice(before).sort(), ['ObjectCreated:Put download.bin', 'ObjectCreated:Put last']);
  });

  test('files that lie there at the start come once, and again only when they were changed meanwhile', async () => {
    const { home } = server;
    await server.stop();
    client.destroy();
    const before = told('dropped').length;
    writeFileSync(join(folder, 'last'), 'changed while nobody looked');
    writeFileSync(join(folder, 'new'), 'x');
    server = await TestServer.start({ watch, home });
    client = s3Client(server);
    await until(() => told('dropped').length === before + 2);
    writeFileSync(join(folder, 'end'), 'x'); // taken after all others
    await until(() => told('dropped').includes('ObjectCreated:Put end'));
    assert.deepEqual(told('dropped').slice(before, -1).sort(), ['ObjectCreated:Put last', 'ObjectCreated:Put new']);
  });
});

describe('the webhook of other stores', () => {
  const token = (): string => readFileSync(join(server.home, 'webhook-token'), 'utf8').trim();
  const post = (body: unknown, headers: Record<string, string> = { authorization: `Bearer ${token()}` }, query = ''): Promise<Response> =>
    fetch(`${server.endpoint}/hearth/v1/webhooks/s3${query}`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  /** As MinIO sends it. */
  const minio = (bucket: string, key: string, sequencer = '17A1C6E1B1F3D1A2') => ({
    EventName: 's3:ObjectCreated:Put',
    Key: `${bucket}/${key}`,
    Records: [
      {
        eventVersion: '2.0',
        eventSource: 'minio:s3',
        awsRegion: '',
        eventTime: '2026-11-25T12:00:00.000Z',
        eventName: 's3:ObjectCreated:Put',
        userIdentity: { principalId: 'minio' },
        s3: {
          s3SchemaVersion: '1.0',
          bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
          object: { key, size: 4, eTag: 'e', sequencer },
        },
      },
    ],
  });

  test('an event invokes the triggers that ask for it, once however often it is sent', async () => {
    for (let i = 0; i < 3; i += 1) assert.equal((await post(minio('elsewhere', 'in%2Fa+b.jpg'))).status, 200);
    assert.equal((await post(minio('elsewhere', 'out%2Fa.jpg'))).status, 200);
    assert.equal((await post(minio('elsewhere', 'in%2Fa+b.jpg', '17A1C6E1B1F3D1A3'))).status, 200);
    await until(() => told('elsewhere').length === 2);
    assert.deepEqual(told('elsewhere'), ['s3:ObjectCreated:Put in%2Fa+b.jpg', 's3:ObjectCreated:Put in%2Fa+b.jpg']);
  });

  /** As each store sends a key that has to be encoded, and its removal. */
  const STORES: Readonly<Record<string, (name: string, tag: string | null) => unknown>> = {
    MinIO: (name, tag) => ({
      EventName: `s3:${name}`,
      Key: 'elsewhere/in/a b+c/ü.jpg',
      Records: [record({ eventName: `s3:${name}`, eventSource: 'minio:s3' }, { key: 'in%2Fa+b%2Bc%2F%C3%BC.jpg', eTag: tag ?? undefined })],
    }),
    RustFS: (name, tag) => ({
      EventName: `s3:${name}`,
      Key: 'elsewhere/in/a b+c/ü.jpg',
      Records: [
        record({ eventName: `s3:${name}`, eventSource: 'rustfs:s3' }, { key: 'in%2Fa+b%2Bc%2F%C3%BC.jpg', eTag: tag ?? undefined }),
      ],
    }),
    'RustFS, wrapped': (name, tag) => ({
      EventName: `s3:${name}`,
      Records: [
        {
          object_name: 'x',
          bucket_name: 'elsewhere',
          event_name: `s3:${name}`,
          data: record({ eventName: `s3:${name}`, eventSource: 'rustfs:s3' }, { key: 'in%2Fa+b%2Bc%2F%C3%BC.jpg', eTag: tag ?? undefined }),
        },
      ],
    }),
    versitygw: (name, tag) => ({
      Records: [
        record(
          { eventName: `s3:${name}`, eventSource: 'aws:s3', eventVersion: '2.2' },
          { key: 'in/a%20b+c/%C3%BC.jpg', size: 0, eTag: tag, versionId: null },
          'webhook-global',
        ),
      ],
    }),
    'versitygw, earlier': (name, tag) => [
      record({ eventName: `s3:${name}`, eventSource: 'aws:s3' }, { key: 'in/a b+c/ü.jpg', eTag: tag, versionId: null }, 'webhook-global'),
    ],
    Ceph: (name, tag) => ({
      Records: [
        {
          ...record(
            { eventName: name, eventSource: 'ceph:s3', eventVersion: '2.2' },
            { key: 'in/a b+c/ü.jpg', size: 4, eTag: tag ?? '', versionId: '', metadata: [], tags: [] },
          ),
          eventId: '1.2.e',
          opaqueData: '',
        },
      ],
    }),
  };
  let sequence = 0x17a1;
  const record = (of: object, object: object, configurationId = 'c') => ({
    awsRegion: '',
    eventTime: '2026-11-25T12:00:00Z',
    ...of,
    s3: {
      s3SchemaVersion: '1.0',
      configurationId,
      bucket: { name: 'stores', arn: 'arn:aws:s3:::stores' },
      object: { ...object, sequencer: (++sequence).toString(16).toUpperCase() },
    },
  });
  for (const [store, sent] of Object.entries(STORES)) {
    test(`what ${store} sends of an upload and of its removal: one key, encoded as S3's for the function`, async () => {
      const before = told('stores').length;
      for (const [name, tag] of [
        ['ObjectCreated:Put', 'e'],
        ['ObjectRemoved:Delete', null],
      ] as const) {
        const answer = await post(sent(name, tag));
        assert.equal(answer.status, 200, await answer.text());
      }
      await until(() => told('stores').length === before + 2);
      const names = told('stores')
        .slice(before)
        .map((t) => t.replace(/^s3:/, '').split(' '));
      assert.deepEqual(new Set(names.map(([name]) => name)), new Set(['ObjectCreated:Put', 'ObjectRemoved:Delete']));
      for (const [, key = ''] of names) assert.equal(decodeURIComponent(key.replaceAll('+', ' ')), 'in/a b+c/ü.jpg');
      const { events } = await server.client.events.list({ source: 'objects', prefix: 'stores/in/a b+c/ü.jpg' });
      assert.equal(events.length, before + 2);
    });
  }

  test('in another shape, by other ways to give the token', async () => {
    const basic = Buffer.from(`ceph:${token()}`).toString('base64');
    assert.equal((await post(minio('elsewhere.cloud', 'k'), { authorization: `Basic ${basic}` })).status, 200);
    const event = await until(() => diary.entries.map((e) => e.event).find((e) => e['specversion'] === '1.0'));
    assert.deepEqual([event['subject'], event['type']], ['k', 'com.amazonaws.s3.ObjectCreated:Put']);
    assert.equal((await post(minio('elsewhere.cloud', 'k'), {}, `?token=${token()}`)).status, 200);
  });

  test('without the token, for a bucket of our own, or with rubbish, nothing happens', async () => {
    assert.equal((await post(minio('elsewhere', 'in/x'), {})).status, 403);
    assert.equal((await post(minio('elsewhere', 'in/x'), { authorization: 'Bearer wrong' })).status, 403);
    assert.equal((await post(minio('dropped', 'forged'))).status, 200);
    assert.equal((await post('{')).status, 400);
    assert.equal((await post({ Records: [{ s3: 1 }] })).status, 400);
    assert.equal((await post({ Service: 'Amazon S3', Event: 's3:TestEvent' })).status, 200);
    assert.equal((await post('x'.repeat(3 * 1024 * 1024))).status, 413);
    assert.ok(!told('dropped').some((t) => t.includes('forged')));
  });
});
