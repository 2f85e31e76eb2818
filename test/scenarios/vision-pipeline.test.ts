import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Pool } from 'pg';
import { deployFunction } from '../../src/cli/deployment.ts';
import { loadHearthFile } from '../../src/cli/hearth-file.ts';
import type { EventSummary } from '../../src/client/events.ts';
import { Catalogue } from '../../src/runtimes/catalogue.ts';
import { thisMachine } from '../../src/runtimes/interpreters.ts';
import { ownerOf } from './app-database.ts';
import { EXAMPLES, SHARED } from './examples-folder.ts';
import { pythonPackages } from './packages.ts';
import { languages, TestServer } from './platform-server.ts';
import { s3Client } from './s3-clients.ts';
import { until } from './until.ts';

const BUCKET = 'pictures';

/** Pictures, each with what must be seen in it. */
const PICTURES: readonly (readonly [path: string, ...classes: string[]])[] = [
  [join(EXAMPLES, 'pictures', 'coffee.png'), 'cup'],
  [join(EXAMPLES, 'pictures', 'astronaut.png'), 'person'],
  [join(SHARED, 'images', 'bus.jpg'), 'bus', 'person'],
  [join(SHARED, 'images', 'dog.jpg'), 'dog', 'bicycle'],
  [join(SHARED, 'images', 'horses.jpg'), 'horse'],
  [join(SHARED, 'images', 'zidane.jpg'), 'person'],
  [join(SHARED, 'images', 'coco-val', '000000000285.jpg'), 'bear'],
  [join(SHARED, 'images', 'coco-val', '000000000785.jpg'), 'person'],
];

/** Why the example can't run here, or null. */
async function missing(): Promise<string | null> {
  if (!existsSync(join(EXAMPLES, 'detect-python', 'models', 'centernet.onnx')))
    return 'its model is not there: npm run prepare-model --prefix examples/detect';
  const [python] = await new Catalogue(thisMachine(process.env)).list('python');
  if (python === undefined) return 'no Python is installed here';
  const [major = 0, minor = 0] = python.version.split('.').map(Number);
  if (major < 3 || minor < 11) return `its requirements want Python 3.11, and the newest here is ${python.version}`;
  return (await pythonPackages(python.path, { 'psycopg-binary': '3.3.9' })).missing;
}

const why = await missing();

describe('examples/vision-pipeline', { skip: why ?? false }, () => {
  const pictures = PICTURES.filter(([path]) => existsSync(path)).map(([path, ...classes]) => ({
    path,
    classes,
    key: `in/${basename(path)}`,
  }));
  let server: TestServer;
  let s3: S3Client;
  let app: Pool;
  /** Deploys a function of the example, with changes of its manifest. */
  let deploy: (name: string, changes: object) => Promise<void>;
  before(async () => {
    server = await TestServer.start();
    const python = (await languages()).find((l) => l.language === 'python');
    const { functions } = await loadHearthFile(join(EXAMPLES, 'vision-pipeline'), undefined);
    deploy = async (name, changes) => {
      const declared = functions.find((f) => f.name === name)!;
      const manifest = { ...declared.manifest, runtime: python?.runtime, ...changes };
      await deployFunction(server.client, { ...declared, manifest }, undefined, () => {});
    };
    for (const { name } of functions) await deploy(name, {});
    s3 = s3Client(server);
    app = new Pool({ ...ownerOf(server.home), max: 2 });
  });
  after(async () => {
    s3.destroy();
    await app.end();
    assert.deepEqual(await server.end(), []);
  });

  const upload = (): Promise<unknown> =>
    Promise.all(pictures.map(({ path, key }) => s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: readFileSync(path) }))));
  const eventsOf = async (functionName: string, source: string): Promise<EventSummary[]> =>
    (await server.client.events.list({ functionName, source, limit: 1000 })).events;
  /** Resolves when so many uploads have come to both functions and are done; fails when one could not be. That it had to wait for a place is no failure. */
  const seen = (count: number): Promise<boolean> =>
    until(async () => {
      const all = [...(await eventsOf('thumbnail', 'objects')), ...(await eventsOf('detect', 'objects'))];
      for (const event of all.filter((e) => e.attempts > 1 || e.state === 'failed')) {
        const detail = (await server.client.events.show(event.eventId)).find((e) => e.functionId === event.functionId);
        const bad = detail?.history.find((h) => h.outcome === 'function_error' || h.outcome === 'system_error');
        assert.equal(bad, undefined, `${event.function} ${event.subject}: ${bad?.message}`);
      }
      return all.filter((e) => e.state === 'succeeded').length === 2 * count;
    }, 100);
  const table = async (text: string): Promise<Record<string, number>> => {
    const { rows } = await app.query<{ class: string; n: number }>(text);
    return Object.fromEntries(rows.map((row) => [row.class, row.n]));
  };
  const detected = () => table('select class, count(*)::int as n from public.detections group by class order by class');
  const counted = () => table('select class, objects::int as n from public.class_counts where objects > 0 order by class');
  /** Resolves when the counts are those of the table. */
  const settled = (): Promise<boolean> =>
    until(async () => {
      const { rows } = await app.query<{ there: boolean }>("select to_regclass('public.class_counts') is not null as there");
      const running = (await eventsOf('count', 'database')).some((e) => e.state !== 'succeeded');
      return !running && rows[0]?.there === true && JSON.stringify(await counted()) === JSON.stringify(await detected());
    }, 100);
  const rowsOf = async (key: string): Promise<string[]> =>
    (await app.query<{ class: string }>('select class from public.detections where picture = $1', [key])).rows.map((r) => r.class);
  const thumbnails = async (): Promise<string[]> =>
    ((await s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'thumbnails/' }))).Contents ?? [])
      .map((o) => o.Key ?? '')
      .toSorted();
  const expectedThumbnails = () => pictures.map(({ path }) => `thumbnails/${basename(path)}.jpg`).toSorted();

  test('every picture of a folder gets a thumbnail and rows, and its classes are counted', async (t: TestContext) => {
    t.diagnostic(`${pictures.length} pictures`);
    await upload();
    await seen(pictures.length);
    assert.deepEqual(await thumbnails(), expectedThumbnails());
    for (const Key of await thumbnails()) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      const bytes = await Body!.transformToByteArray();
      assert.deepEqual([...bytes.subarray(0, 3)], [0xff, 0xd8, 0xff], `${Key} is no JPEG`);
    }
    for (const { key, classes } of pictures) {
      const found = await rowsOf(key);
      for (const name of classes) assert.ok(found.includes(name), `${name} is not among ${found.join(', ')} in ${key}`);
    }
    await settled();
  });

  test('the ledger says what became of each picture, by the request ids of its invocations', async () => {
    for (const name of ['thumbnail', 'detect', 'count']) {
      const events = await eventsOf(name, name === 'count' ? 'database' : 'objects');
      assert.ok(events.length > 0, name);
      for (const { eventId, functionId } of events) {
        const event = (await server.client.events.show(eventId)).find((e) => e.functionId === functionId);
        assert.deepEqual([event?.state, event?.history.at(-1)?.outcome], ['succeeded', 'ok'], `${name} ${event?.subject}`);
        for (const { requestId } of event?.history ?? []) assert.equal(requestId, event?.requestId);
        assert.equal((await server.usageOf(name, event?.requestId ?? null)).requestId, event?.requestId);
      }
      if (name === 'count') continue;
      const subjects = events.map((e) => e.subject).toSorted();
      const wanted = pictures.map(({ key }) => key).toSorted();
      assert.deepEqual(
        subjects.map((subject) => subject.replace(/^pictures\//, '')),
        wanted,
      );
    }
  });

  test('the same folder again changes nothing; a picture that is removed takes its rows and its thumbnail along', async () => {
    const before = await detected();
    const changes = (await eventsOf('count', 'database')).length;
    await upload();
    await seen(2 * pictures.length);
    assert.deepEqual(await detected(), before);
    assert.deepEqual(await thumbnails(), expectedThumbnails());
    const gone = pictures.shift()!;
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: gone.key }));
    await seen(2 * pictures.length + 3);
    assert.deepEqual(await rowsOf(gone.key), []);
    assert.deepEqual(await thumbnails(), expectedThumbnails());
    // Changes come in the order of their commits: those of the removal are the only ones since, so the second upload made none.
    await settled();
    const payloads = (await eventsOf('count', 'database')).slice(0, -changes);
    for (const { eventId } of payloads) {
      const [event] = await server.client.events.show(eventId);
      const { Records } = JSON.parse(event?.payload ?? '{}') as { Records: { op: string; before: { picture: string } }[] };
      for (const { op, before: row } of Records) assert.deepEqual([op, row.picture], ['d', gone.key]);
    }
  });

  test('what is no picture is noted and not tried again', async () => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'in/notes.txt', Body: 'no picture' }));
    await seen(2 * pictures.length + 4);
    assert.deepEqual(await thumbnails(), expectedThumbnails());
    assert.deepEqual(await rowsOf('in/notes.txt'), []);
  });

  /** The report of a day, once it is there. */
  const reportOf = (day: string): Promise<{ date: string; pictures: number; classes: Record<string, number> }> =>
    until(async () => {
      const got = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: `reports/${day}.json` })).catch(() => null);
      return got?.Body === undefined ? null : JSON.parse(await got.Body.transformToString());
    });
  const expected = async (date: string) => ({ date, pictures: pictures.length, classes: await counted() });

  test('the report can be had at once', async () => {
    const { value, functionError } = await server.call('report', { time: '2026-11-25T06:00:00Z' });
    assert.equal(functionError, null, JSON.stringify(value));
    assert.deepEqual(await reportOf('2026-11-25'), await expected('2026-11-25'));
  });

  test('when its time comes the schedule writes it', async () => {
    const night = (await server.client.triggers('report')).find((t) => t.kind === 'schedule');
    assert.deepEqual(night?.configuration, { cron: '0 6 * * *', timezone: 'Europe/Madrid' });
    // a moment that is over when the schedule is there never comes: further away, where deploying takes longer
    let due = '';
    for (let ahead = 3_000; due === '' || Date.now() > Date.parse(`${due}Z`); ahead *= 3) {
      due = new Date(Date.now() + ahead).toISOString().slice(0, 19);
      await deploy('report', { triggers: [{ schedule: { at: due } }] });
    }
    const day = due.slice(0, 10);
    assert.deepEqual(await reportOf(day), await expected(day));
    assert.deepEqual(
      (await eventsOf('report', 'schedule')).map((e) => e.state),
      ['succeeded'],
    );
  });
});
