import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { version, world } from './world.ts';

describe('failures', () => {
  it('kills what runs past its timeout and says so as Lambda does', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 60_000 }) } });
    const v = version({ timeoutMs: 3_000 });
    w.fleet.serve(v);
    const invocation = w.invocation();
    const call = w.dispatcher.invoke(v, invocation);
    await w.clock.advance(10_000);
    const done = await call;
    assert.equal(done.error?.errorType, 'Sandbox.Timedout');
    const document = JSON.parse(done.body.toString()) as Record<string, string>;
    assert.equal(document['errorMessage'], `RequestId: ${invocation.requestId} Error: Task timed out after 3.00 seconds`);
    assert.equal(w.usage[0]?.outcome, 'timeout');
    assert.equal(w.usage[0]?.billedMs, 3_500, 'the init phase that was waited for, and the whole timeout');
    assert.equal(w.fleet.roster.count, 0);
  });

  it('loses only the invocation of an instance that exits', async () => {
    let calls = 0;
    const w = world({ behaviour: { handler: () => (calls++ === 0 ? { ms: 5, exit: { code: 1, signal: null } } : { ms: 5 }) } });
    const v = version();
    w.fleet.serve(v);
    const first = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(1_000);
    const failed = await first;
    assert.equal(failed.error?.errorType, 'Runtime.ExitError');
    assert.match(failed.body.toString(), /Runtime exited with error: exit status 1/);
    const second = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(1_000);
    assert.equal((await second).error, null);
  });

  it('answers everyone who waited for an init phase with its failure, and tries again for the next', async () => {
    const initError = { errorType: 'Error', errorMessage: 'no model' };
    const behaviour: { initError: typeof initError | null } = { initError };
    const w = world({ behaviour });
    const v = version();
    w.fleet.serve(v);
    const all = Array.from({ length: 3 }, () => w.dispatcher.invoke(v, w.invocation()));
    await w.clock.advance(5_000);
    for (const done of await Promise.all(all)) {
      assert.equal(done.error?.errorType, 'Error');
      assert.equal(done.usage.outcome, 'init_error');
    }
    assert.deepEqual(
      w.usage.map((u) => [u.initMs, u.initBilled, u.billedMs]).sort((a, b) => Number(a[2]) - Number(b[2])),
      [
        [500, false, 0],
        [500, false, 0],
        [500, true, 500],
      ],
      'it ran once, and is billed once',
    );
    assert.equal(w.fleet.roster.count, 0);
    w.behaviour.initError = null;
    const next = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(5_000);
    assert.equal((await next).error, null);
  });

  it('starts plainly what cannot be forked, with the process that ran the init phase first', async () => {
    const w = world({ behaviour: { unforkable: 'started 1 thread during init', handler: () => ({ ms: 2_000 }) } });
    const v = version();
    w.fleet.serve(v);
    const two = [w.dispatcher.invoke(v, w.invocation()), w.dispatcher.invoke(v, w.invocation())];
    await w.clock.advance(5_000);
    await Promise.all(two);
    assert.deepEqual(new Set(w.usage.map((u) => u.coldRung)), new Set(['disk', 'zygote']));
    assert.equal(w.usage[0]?.initBilled, true);
    assert.equal(w.fleet.residences.get('r-1')?.state.kind, 'plain');
  });

  it('makes no room by an instance kept ready that is on its way out', async () => {
    const w = world({ behaviour: { endMs: 2_000 } });
    const v = version({ scaling: { min: 1, max: null, concurrency: 1, keepAliveMs: 60_000 } });
    w.fleet.serve(v);
    await w.clock.advance(1_000);
    const [spare] = w.fleet.roster.all();
    w.memory.availableBytes = 0;
    void spare?.kill();
    const call = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(100);
    assert.deepEqual(
      [...w.fleet.roster.all()].map((i) => i.state),
      ['stopping'],
    );
    w.memory.availableBytes = 1e12;
    await w.clock.advance(1_000);
    assert.equal((await call).error, null);
  });

  it('answers who waits for an instance that ends before it can be handed over, and keeps nothing of it', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    const fork = w.driver.fork.bind(w.driver);
    let forks = 0;
    w.driver.fork = async (...of) => {
      const instance = await fork(...of);
      forks++;
      await instance.kill();
      return instance;
    };
    const call = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(10_000);
    const done = await call;
    assert.deepEqual([done.error?.errorType, done.usage.outcome, forks], ['Runtime.ExitError', 'init_error', 1]);
    assert.match(
      done.body.toString(),
      new RegExp(`^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ${done.requestId} Error: `),
    );
    assert.equal(w.fleet.roster.count, 0);
    w.driver.fork = fork;
    const next = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(1_000);
    assert.deepEqual([(await next).error, w.fleet.roster.count], [null, 1]);
  });

  it('ends what a new revision replaces, and lets the busy finish', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 1_000 }) } });
    const old = version();
    w.fleet.serve(old);
    const call = w.dispatcher.invoke(old, w.invocation());
    await w.clock.advance(800);
    void w.fleet.retire('r-1');
    w.fleet.serve(version({ revisionId: 'r-2' }));
    await w.clock.advance(3_000);
    assert.equal((await call).error, null);
    assert.equal(w.fleet.roster.count, 0);
  });
});
