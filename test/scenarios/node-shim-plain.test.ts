import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { InitDone } from '../../src/runtimes/protocol.ts';
import { Host, invoke, type Outcome } from './node-shim-host.ts';

const parse = (outcome: Outcome): any => JSON.parse(outcome.body);

describe(
  'the Node.js shim where nothing is forked',
  { skip: process.platform === 'linux' ? false : 'the host of these tests needs Linux' },
  () => {
    let host: Host;
    before(async () => (host = await Host.start()));
    after(() => host.close());

    test('a spawned process runs a function without a zygote', async () => {
      const peer = await host.spawn();
      const init = (await host.initialise(peer, 'node-lambda', { handler: 'index.late', snapshot: false })) as InitDone;
      assert.equal(init.unforkable, null);
      assert.deepEqual(parse(await invoke(peer, {})), { ticks: 0 });
      assert.deepEqual(parse(await invoke(peer, {})), { ticks: 1 });
      peer.close();
    });

    test('without --single-threaded nothing is forked', async () => {
      const peer = await host.spawn([]);
      assert.deepEqual(peer.hello.capabilities, ['concurrency']);
      const init = (await host.initialise(peer, 'node-echo')) as InitDone;
      assert.match(init.unforkable ?? '', /--single-threaded/);
      assert.equal(parse(await invoke(peer, { b: 2 })).event.b, 2);
      peer.close();
    });
  },
);
