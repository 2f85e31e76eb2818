import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { hearth } from '../../src/cli/testing/run-hearth.ts';
import type { EventSummary } from '../../src/client/events.ts';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { s3Client } from './s3-clients.ts';
import { until } from './until.ts';

const KEYS = ['in/a b.jpg', 'in/ü.jpg', 'out/c.jpg'];

describe('hearth events: what became of what, and again', () => {
  let server: TestServer;
  let diary: Diary;
  let s3: S3Client;
  before(async () => {
    [server, diary] = await Promise.all([TestServer.start(), Diary.open()]);
    s3 = s3Client(server);
    const [node] = await languages();
    const manifest = { runtime: node?.runtime, handler: handlerOf('node'), environment: { DIARY: diary.url } };
    await s3.send(new CreateBucketCommand({ Bucket: 'pictures' }));
    await server.deploy('detect', 'objects-diary', { ...manifest, triggers: [{ objects: { bucket: 'pictures' } }] });
    await server.deploy('fails', 'events-diary', { ...manifest, async: { retries: 0 } });
    for (const Key of KEYS) await s3.send(new PutObjectCommand({ Bucket: 'pictures', Key, Body: 'x' }));
    const failing = Buffer.from(JSON.stringify({ n: 1, post: diary.url, fail: 'no luck' }));
    await server.client.invoke({ functionName: 'fails', payload: failing, invocationType: 'Event' });
    await until(async () => (await server.client.events.list({})).events.filter((e) => e.finishedAtMs !== null).length === 4);
  });
  after(async () => {
    s3.destroy();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });

  const run = (...args: string[]) => hearth(args, { env: { HEARTH_ENDPOINT: server.endpoint, HEARTH_HOME: server.home } });
  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, `hearth ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const listed = async (...args: string[]): Promise<string[]> =>
    (JSON.parse(await ok('events', ...args, '--json')) as { events: EventSummary[] }).events.map((e) => `${e.function} ${e.subject}`);
  const pictures = (keys: readonly string[]): string[] => keys.map((key) => `detect pictures/${key}`);

  test('lists the newest first, by function, state, source, prefix and time', async () => {
    const uploads = pictures(KEYS.toReversed());
    assert.deepEqual(await listed(), ['fails ', ...uploads]);
    assert.deepEqual(await listed('detect'), uploads);
    assert.deepEqual(await listed('--state', 'failed'), ['fails ']);
    assert.deepEqual(await listed('detect', '--state', 'succeeded', '--limit', '2'), uploads.slice(0, 2));
    assert.deepEqual(await listed('--source', 'objects'), uploads);
    assert.deepEqual(await listed('--source', 'async'), ['fails ']);
    assert.deepEqual(await listed('--prefix', 'pictures/in/'), uploads.slice(1));
    assert.deepEqual(await listed('--prefix', 'pictures/in/ü'), uploads.slice(1, 2));
    assert.equal((await listed('--since', '1h')).length, 4);
    assert.deepEqual(await listed('--until', '2026-01-01'), []);
    assert.deepEqual(await listed('--since', '2999-01-01'), []);
    const text = await ok('events', 'fails');
    assert.match(text, /^TIME +FUNCTION +SOURCE +SUBJECT +STATE +ATTEMPTS +EVENT/);
    assert.match(text, /fails +async +- +failed: RetriesExhausted +1 +[0-9a-f-]{36}/);
    assert.equal((await run('events', '--state', 'lost')).code, 2);
    assert.equal((await run('events', 'nobody')).code, 5);
  });

  test('shows one with its attempts, their request ids and what went wrong', async () => {
    const [failed] = (await server.client.events.list({ functionName: 'fails' })).events;
    const text = await ok('events', 'show', failed?.eventId ?? '');
    assert.match(text, new RegExp(`request: +${failed?.requestId}`));
    assert.match(text, /state: +failed: RetriesExhausted/);
    assert.match(text, /\n1 +\S+ +\S.* +function_error +Error: no luck\n/);
    const { deliveries } = JSON.parse(await ok('events', 'show', failed?.eventId ?? '', '--json')) as { deliveries: { payload: string }[] };
    assert.equal((JSON.parse(deliveries[0]?.payload ?? '') as { fail: string }).fail, 'no luck');
  });

  test('drives again everything under a prefix since a date, and what failed, each under its own id', async () => {
    const ran = () => diary.entries.filter((e) => 'Records' in (e.event ?? {})).length;
    const ids = async () =>
      new Set((await server.client.events.list({ functionName: 'detect' })).events.map((e) => `${e.eventId} ${e.requestId}`));
    const known = await ids();
    const redriven = async (...args: string[]): Promise<number> =>
      (JSON.parse(await ok('events', 'redrive', ...args, '--json')) as { redriven: number }).redriven;
    assert.equal(await redriven('--state', 'finished', '--prefix', 'pictures/in/', '--since', '2999-01-01'), 0);
    assert.equal(await redriven('--prefix', 'pictures/'), 0, 'nothing of it failed');
    assert.equal(ran(), 3);
    assert.equal(await redriven('--state', 'finished', '--prefix', 'pictures/in/', '--since', '7d'), 2);
    await until(() => ran() === 5);
    assert.deepEqual(await ids(), known);
    assert.equal(await ok('events', 'redrive', '--function', 'fails'), '1 event queued again\n');
    await until(() => diary.entries.filter((e) => e.n === 1).length === 2);
    await until(async () => (await server.client.events.list({ state: 'failed' })).events.length === 1);
    const refused = await run('events', 'redrive', '--state', 'finished');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /names events that went well: say which of them\nfix: give --prefix or --since/);
    await assert.rejects(server.client.events.redrive({ state: 'finished' }), /say which of those that went well: event, prefix or fromMs/);
    assert.equal((await run('events', 'redrive', 'no-such-event')).code, 5);
  });

  test('triggers of a function that is not there are an error, of one that has none they are not', async () => {
    assert.match(await ok('triggers', 'detect'), /detect +objects +pictures\/\* +running/);
    assert.equal((await run('triggers', 'fails')).code, 0);
    const { code, stderr } = await run('triggers', 'nobody');
    assert.equal(code, 5);
    assert.match(stderr, /nobody[^\n]*\nfix: `hearth ps` lists the functions\n$/);
  });
});
