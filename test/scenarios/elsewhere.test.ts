import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { InitDone } from '../../src/runtimes/protocol.ts';
import { header, Host, invoke, root } from './node-shim-host.ts';
import { fixture, ShimHost } from './python-shim-host.ts';

// On systems other than Linux instances are started plainly. What a plain start needs, every POSIX system must have.

test('the Node.js shim starts plainly where there is nothing that only Linux has', async () => {
  const host = await Host.start();
  try {
    const peer = await host.spawn([], { environment: { HEARTH_KOFFI: path.join(root, 'test/fixtures/koffi-posix.cjs') } });
    assert.deepEqual(peer.hello.capabilities, ['concurrency']);
    const init = (await host.initialise(peer, 'node-lambda', { handler: 'index.prints', snapshot: false })) as InitDone;
    assert.equal(init.unforkable, null);
    const { requestId } = header();
    const outcome = await invoke(peer, {}, { requestId });
    assert.deepEqual([outcome.end?.errorType, outcome.end?.marked], [null, true]);
    await host.logged(peer.hello.token, new RegExp(`${requestId}\\tINFO\\tone`));
    const random = await host.spawn([], { environment: { HEARTH_KOFFI: path.join(root, 'test/fixtures/koffi-posix.cjs') } });
    await host.initialise(random, 'node-echo', { snapshot: false });
    const answers = [JSON.parse((await invoke(random, {})).body), JSON.parse((await invoke(random, {})).body)];
    assert.equal(new Set(answers.map((answer) => answer.random)).size, 2);
    peer.close();
    random.close();
  } finally {
    await host.close();
  }
});

test('the Python shim starts plainly where there is nothing that only Linux has', async () => {
  const host = await ShimHost.open();
  try {
    const shim = await host.spawn({ PYTHONPATH: path.join(root, 'test/fixtures/python-elsewhere') });
    assert.deepEqual(shim.hello.capabilities, ['concurrency']);
    const { ok, report } = await shim.init({ taskRoot: fixture('python-everything'), snapshot: false });
    assert.deepEqual([ok, report['unforkable']], [true, null]);
    assert.equal((await shim.value({ do: 'who' })).calls, 1);
    const talked = await shim.call({ do: 'talk' });
    assert.equal(talked.errorType, null);
  } finally {
    await host.close();
  }
});
