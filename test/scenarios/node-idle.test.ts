import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { after, describe, it } from 'node:test';
import { Host, invoke } from './node-shim-host.ts';

function whyNot(): string | false {
  if (process.platform !== 'linux') return 'forking needs Linux';
  const counts = 'uvMetricsInfo' in performance.nodeTiming;
  return counts ? false : `Node.js ${process.versions.node} does not count the turns of its event loop`;
}

describe('an instance that waits for an answer from elsewhere', { skip: whyNot() }, () => {
  let host: Host | null = null;
  after(() => host?.close());

  it('sleeps: its event loop does not turn just to see whether there is anything left to do', async () => {
    host = await Host.start();
    const snapshot = await host.fork(await host.zygote());
    await host.initialise(snapshot, 'node-lambda', { handler: 'index.waits' });
    const instance = await host.instance(snapshot);
    await invoke(instance, {}); // on a fast machine it begins before the start's own few turns are over
    const { body } = await invoke(instance, {});
    // One turn for the event, two for the look at 100 ms, one for the timer. Once every 100 ms would be twenty.
    assert.ok(Number(body) <= 6, `${body} turns`);
  });
});
