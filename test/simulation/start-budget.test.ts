import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { version, world } from './world.ts';

const named = (id: string, change: Parameters<typeof version>[0] = {}) =>
  version({ functionId: id, name: id, revisionId: id, timeoutMs: 60_000, ...change });

describe('starts at once', () => {
  it('of a slow init phase hold up neither a fork of another function nor its first init phase', async () => {
    for (const snapshot of ['off', 'onFirstUse'] as const) {
      const w = world({ limits: { startsAtOnce: 4, forksAtOnce: 3 } });
      const [slow, hello, fresh] = [named('slow', { snapshot }), named('hello'), named('fresh')] as const;
      for (const v of [slow, hello, fresh]) w.fleet.serve(v);
      const first = w.dispatcher.invoke(hello, w.invocation());
      await w.clock.advance(1_000);
      await first;
      await Promise.all(w.fleet.endIdle('hello'));

      w.behaviour.initMs = 9_000;
      const hanging = Array.from({ length: 20 }, () => w.dispatcher.invoke(slow, w.invocation()));
      await w.clock.advance(100);
      w.behaviour.initMs = 50;
      const calls = [hello, fresh].map((v) => w.dispatcher.invoke(v, w.invocation()));
      await w.clock.advance(100);
      const done = await Promise.race([Promise.all(calls), w.clock.advance(0).then(() => null)]);
      assert.deepEqual(
        done?.map((d) => [d.usage.functionName, d.usage.coldRung, d.usage.outcome]),
        [
          ['hello', 'snapshot', 'ok'],
          ['fresh', 'zygote', 'ok'],
        ],
        `beside a slow one with snapshot: ${snapshot}`,
      );
      await w.clock.advance(120_000);
      assert.ok((await Promise.all(hanging)).every((d) => d.usage.outcome === 'ok'));
      await w.fleet.close();
    }
  });
});

describe('init phases that only wait', () => {
  const hold = async (initWaits: boolean): Promise<{ served: boolean; begun: number }> => {
    const w = world({ limits: { startsAtOnce: 4, forksAtOnce: 3 }, queue: { queueLength: 100, queueMs: 60_000 } });
    let begun = 0;
    const [start, prepare] = [w.driver.start.bind(w.driver), w.driver.prepare.bind(w.driver)];
    w.driver.start = (...order) => (begun++, start(...order));
    w.driver.prepare = (...order) => (begun++, prepare(...order));
    const hanging = Array.from({ length: 4 }, (_, i) => named(`hangs-${i}`, { snapshot: i % 2 === 0 ? 'off' : 'onFirstUse' }));
    const fifth = named('fifth');
    for (const v of [...hanging, fifth]) w.fleet.serve(v);
    Object.assign(w.behaviour, { initMs: 9_000, initWaits });
    const held = hanging.flatMap((v) => Array.from({ length: 10 }, () => w.dispatcher.invoke(v, w.invocation())));
    await w.clock.advance(200);
    Object.assign(w.behaviour, { initMs: 50, initWaits: false });
    const call = w.dispatcher.invoke(fifth, w.invocation());
    await w.clock.advance(3_000);
    const done = await Promise.race([call, w.clock.advance(0).then(() => null)]);
    const begunMeanwhile = begun;
    await w.clock.advance(120_000);
    assert.ok((await Promise.all([...held, call])).every((d) => d.usage.outcome === 'ok'));
    await w.fleet.close();
    return { served: done?.usage.outcome === 'ok', begun: begunMeanwhile };
  };

  it('hold up no first start of another function, those that compute do; a function with many of them gets no more at once', async () => {
    const [waiting, computing] = [await hold(true), await hold(false)];
    assert.deepEqual([waiting.served, computing.served], [true, false]);
    assert.equal(waiting.begun, computing.begun + 1, 'nothing more is begun for those that hang');
  });
});

describe('an instance that is being kept ready', () => {
  it('is taken by who came before it was there, though one was started for them; nobody pays for its init phase', async () => {
    const w = world({ behaviour: { unforkable: 'a thread', initMs: 5_000 } });
    const v = named('kept', { scaling: { min: 1, max: null, concurrency: 1, keepAliveMs: 60_000 } });
    w.fleet.serve(v);
    await w.clock.advance(6_000);
    await [...w.fleet.roster.all()][0]?.kill();
    await w.clock.advance(5_300); // 500 ms until it is made up for, and 5 s
    const call = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(1_000);
    const done = await Promise.race([call, w.clock.advance(0).then(() => null)]);
    assert.deepEqual(
      [done?.usage.queuedMs, done?.usage.initBilled, done?.usage.billedMs, done?.usage.start?.reason.cause],
      [200, false, 10, 'kept_ready'],
    );
    await w.clock.advance(10_000);
    await call;
    assert.equal(w.fleet.roster.count, 2, 'the one that was started for it is there for the next');
    await w.clock.advance(120_000);
    assert.equal(w.fleet.roster.count, 1);
    await w.fleet.close();
  });
});
