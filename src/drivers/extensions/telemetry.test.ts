import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { readSubscription, type Subscription } from './subscription.ts';
import { TelemetryChannel } from './telemetry.ts';

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

  it('refuses what can’t be', () => {
    const destination = { protocol: 'HTTP', URI: 'http://sandbox:1' };
    for (const [body, fault] of [
      [null, /expected object/],
      [{ types: [], destination }, /types/],
      [{ types: ['all'], destination }, /types/],
      [{ types: ['function'], destination: { protocol: 'TCP', URI: 'x' } }, /HTTP is what is served here/],
      [{ types: ['function'], destination: { protocol: 'HTTP', URI: 'http://example.com' } }, /must be http:\/\/sandbox\.localdomain:PORT/],
      [{ types: ['function'], destination, buffering: { timeoutMs: 1 } }, /timeoutMs/],
    ] as const) {
      const read = readSubscription('telemetry', body);
      assert.ok(typeof read === 'string');
      assert.match(read, fault);
    }
  });
});
