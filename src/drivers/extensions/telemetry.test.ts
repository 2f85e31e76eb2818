import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { deferred } from '../../lib/deferred.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { readSubscription, type Subscription } from './subscription.ts';
import { Audience } from './audience.ts';
import { Backlog } from './backlog.ts';
import { EarlyRecords, lineRecord, TelemetryChannel } from './telemetry.ts';

type Told = { readonly type: string; readonly record: unknown };

describe('telemetry', () => {
  let server: Server;
  let refusing = false;
  const batches: Told[][] = [];
  const clock = new VirtualClock(Date.UTC(2026, 10, 27));
  beforeEach(async () => {
    batches.length = 0;
    refusing = false;
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (part) => (text += String(part)));
      request.on('end', () => {
        if (!refusing) batches.push(JSON.parse(text) as Told[]);
        response.writeHead(refusing ? 500 : 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const subscription = (api: 'telemetry' | 'logs', types: string[]): Subscription => {
    const URI = `http://sandbox.localdomain:${(server.address() as AddressInfo).port}/x`;
    const read = readSubscription(api, { types, buffering: { maxItems: 1_000, timeoutMs: 100 }, destination: { protocol: 'HTTP', URI } });
    assert.ok(typeof read !== 'string');
    return read;
  };

  it('is gathered until the time is up, and has what was asked for', async () => {
    const channel = new TelemetryChannel(subscription('telemetry', ['platform', 'function']), clock);
    channel.tell({ type: 'function', record: 'a line' });
    channel.tell({ type: 'extension', record: 'not asked for' });
    channel.tell({ type: 'platform.end', record: {} });
    channel.tell({ type: 'platform.start', record: { requestId: 'r' } });
    assert.deepEqual(batches, []);
    await channel.flush();
    assert.deepEqual(batches, [
      [
        { time: '2026-11-27T00:00:00.000Z', type: 'function', record: 'a line' },
        { time: '2026-11-27T00:00:00.000Z', type: 'platform.start', record: { requestId: 'r' } },
      ],
    ]);
  });

  it('is sent again until it is taken; what is too much is counted', async () => {
    const channel = new TelemetryChannel(subscription('logs', ['platform', 'function']), clock);
    refusing = true;
    channel.tell({ type: 'function', record: 'first' });
    for (let i = 0; i < 5; i++) channel.tell({ type: 'function', record: 'x'.repeat(900 * 1024) });
    await channel.flush();
    refusing = false;
    await channel.flush();
    const all = batches.flat();
    const lost = all.filter((t) => t.type === 'platform.logsDropped').map((t) => (t.record as { droppedRecords: number }).droppedRecords);
    assert.ok(lost.length > 0);
    assert.equal(lost.reduce((sum, n) => sum + n, 0) + all.filter((t) => t.type === 'function').length, 6);
    const before = batches.length;
    channel.close();
    channel.tell({ type: 'function', record: 'after the end' });
    await channel.flush();
    assert.equal(batches.length, before);
  });

  it('posts one batch at a time to who does not answer, and nothing of it is left when the instance ends', async () => {
    const [asked, gone] = [deferred<void>(), deferred<void>()];
    let posts = 0;
    server.removeAllListeners('request');
    server.on('request', (asking: IncomingMessage, response: ServerResponse) => {
      posts++;
      response.once('close', () => gone.resolve());
      asking.resume().once('end', () => asked.resolve());
    });
    const channel = new TelemetryChannel(subscription('telemetry', ['function']), clock);
    const flushed: Promise<void>[] = [];
    const flush = channel.flush.bind(channel);
    channel.flush = () => {
      const promise = flush();
      flushed.push(promise);
      return promise;
    };
    for (let i = 0; i < 1_000; i++) channel.tell({ type: 'function', record: 'x' }); // as many as are posted at once
    await asked.promise;
    for (let i = 0; i < 5_000; i++) channel.tell({ type: 'function', record: 'y' });
    assert.deepEqual([posts, flushed.length], [1, 1], 'no record waits by itself');
    channel.close();
    await gone.promise;
    await Promise.all(flushed);
  });

  it('is not sent again at once for all that comes to who refuses it', async () => {
    let posts = 0;
    server.on('request', () => posts++);
    refusing = true;
    const channel = new TelemetryChannel(subscription('telemetry', ['function']), clock);
    channel.tell({ type: 'function', record: 'first' });
    await channel.flush();
    for (let i = 0; i < 5_000; i++) channel.tell({ type: 'function', record: 'more' });
    // A request that is sent after it.
    const probe = request({ port: (server.address() as AddressInfo).port, method: 'POST' }).end('[]');
    const [answer] = (await once(probe, 'response')) as [IncomingMessage];
    await answer.toArray();
    assert.equal(posts, 2);
    refusing = false;
    await channel.flush();
    assert.equal(batches.flat().length, 5_001);
    channel.close();
  });

  it('has of what was told before it began as much as it holds, with the time of each', async () => {
    const early = new EarlyRecords();
    const line = 'x'.repeat(1_000);
    for (let i = 0; i < 10_000; i++) early.add({ type: 'function', record: line }, clock.now() + i, line.length + 200);
    const channel = new TelemetryChannel(subscription('telemetry', ['platform', 'function']), clock);
    early.replay(channel);
    await channel.flush();
    const all = batches.flat() as (Told & { readonly time: string })[];
    const lines = all.filter((t) => t.type === 'function');
    const lost = all.filter((t) => t.type === 'platform.logsDropped').map((t) => (t.record as { droppedRecords: number }).droppedRecords);
    assert.ok(lines.length > 1_000 && lines.length < 5_000, String(lines.length));
    assert.equal(lines.length + lost.reduce((sum, n) => sum + n, 0), 10_000);
    assert.equal(lines.at(-1)?.time, new Date(clock.now() + 9_999).toISOString());
    channel.close();
  });

  it('is told once to who subscribes again, of what was before as well', async () => {
    const audience = new Audience(clock, (url) => url);
    const records = () => batches.splice(0).map((batch) => batch.map((t) => t.record));
    audience.tell({ type: 'function', record: 'early' }, 5);
    for (const who of ['one', 'one', 'other', 'one']) audience.subscribe(who, subscription('telemetry', ['function']));
    audience.tell({ type: 'function', record: 'late' }, 4);
    await audience.flush();
    assert.deepEqual(records(), [
      ['early', 'late'],
      ['early', 'late'],
    ]);
    audience.complete();
    audience.subscribe('after', subscription('telemetry', ['function']));
    audience.tell({ type: 'function', record: 'last' }, 4);
    await audience.flush();
    assert.deepEqual(records(), [['last'], ['last'], ['last']]);
    audience.close();
  });

  it('has a line of JSON as what it says, however deep it is', async () => {
    const channel = new TelemetryChannel(subscription('telemetry', ['function']), clock);
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    for (const line of [deep, '{"id":1, "level":"INFO"}', '{no JSON', 'text'])
      channel.tell({ type: 'function', record: lineRecord(line, 'JSON') });
    channel.tell({ type: 'function', record: lineRecord('{"as":"text"}', 'Text') });
    await channel.flush();
    const [first, ...others] = batches.flat().map((t) => t.record);
    assert.equal(typeof first, 'object');
    assert.deepEqual(others, [{ id: 1, level: 'INFO' }, '{no JSON', 'text', '{"as":"text"}']);
    channel.close();
  });

  it('that can’t even be sent is told to nobody, and ends nothing', async () => {
    const url = 'http://%E0%A4%A@127.0.0.1:1/'; // node:http throws at it
    const channel = new TelemetryChannel({ ...subscription('telemetry', ['function']), url }, clock);
    channel.tell({ type: 'function', record: 'x' });
    await channel.flush();
    channel.close();
  });

  it('loses the oldest of a backlog, and keeps its order', () => {
    const backlog = new Backlog<number>(5, () => 1);
    for (let n = 1; n <= 12; n++) backlog.push(n);
    assert.deepEqual([backlog.all(), backlog.length, backlog.bytes, backlog.lost], [[8, 9, 10, 11, 12], 5, 5, { records: 7, bytes: 7 }]);
    const taken = backlog.take();
    backlog.push(13);
    backlog.push(14);
    backlog.putBack(taken);
    assert.deepEqual([backlog.take(), backlog.length, backlog.takeLost().records], [[10, 11, 12, 13, 14], 0, 9]);
    assert.deepEqual(backlog.lost, { records: 0, bytes: 0 });
  });

  it('refuses what can’t be', () => {
    const destination = { protocol: 'HTTP', URI: 'http://sandbox:1' };
    for (const [body, fault] of [
      [null, /expected object/],
      [{ types: [], destination }, /types/],
      [{ types: ['all'], destination }, /types/],
      [{ types: ['function'], destination: { protocol: 'TCP', URI: 'x' } }, /HTTP is what is served here/],
      [{ types: ['function'], destination: { protocol: 'HTTP', URI: 'http://example.com' } }, /must be http:\/\/sandbox\.localdomain:PORT/],
      [{ types: ['function'], destination, buffering: { timeoutMs: 1 } }, /timeoutMs/],
      [{ types: ['function'], destination: { protocol: 'HTTP', URI: 'http://%E0%A4%A:x@sandbox:1/' } }, /no user and no password/],
    ] as const) {
      const read = readSubscription('telemetry', body);
      assert.ok(typeof read === 'string');
      assert.match(read, fault);
    }
  });
});
