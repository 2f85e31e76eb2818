import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HearthError } from '../../src/errors.ts';
import { QUICK, version, world, type World } from './world.ts';

const many = (w: World, n: number, v = version()) => Array.from({ length: n }, () => w.dispatcher.invoke(v, w.invocation()));

describe('scaling', () => {
  it('starts from zero, says from which rung, and is warm after', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    const first = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(1_000);
    assert.equal((await first).body.toString(), '"ok"');
    assert.equal(w.usage[0]?.coldRung, 'disk');
    assert.equal(w.usage[0]?.initMs, 500);
    const second = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(100);
    await second;
    assert.equal(w.usage[1]?.coldRung, null);
    assert.equal(w.fleet.roster.count, 1);
  });

  it('starts as many instances as invocations wait, and no more', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 10_000 }) } });
    const v = version({ timeoutMs: 60_000 });
    w.fleet.serve(v);
    const all = many(w, 40, v);
    await w.clock.advance(2_000);
    assert.equal(w.fleet.roster.count, 40);
    await w.clock.advance(20_000);
    await Promise.all(all);
    assert.equal(w.fleet.roster.count, 40);
  });

  it('forks a few at once, so that a storm of starts leaves time for what is served; starts of other kinds do not wait for them', async () => {
    const w = world({ limits: { forksAtOnce: 2 }, behaviour: { forkMs: 200, initMs: 20, handler: () => ({ ms: 10_000 }) } });
    const v = version({ timeoutMs: 60_000 });
    const other = version({ revisionId: 'r-2', timeoutMs: 60_000, snapshot: 'off' });
    w.fleet.serve(v);
    w.fleet.serve(other);
    const alive = (): number[] => [v, other].map(({ revisionId }) => w.fleet.roster.of(revisionId).size);
    const first = many(w, 1, v);
    await w.clock.advance(1_000);
    assert.deepEqual(alive(), [1, 0]);
    const storm = many(w, 5, v);
    await w.clock.advance(50);
    const plain = many(w, 1, other);
    await w.clock.advance(160);
    assert.deepEqual(alive(), [3, 1]);
    await w.clock.advance(200);
    assert.deepEqual(alive(), [5, 1]);
    await w.clock.advance(200);
    assert.deepEqual(alive(), [6, 1]);
    await w.clock.advance(20_000);
    await Promise.all([...first, ...storm, ...plain]);
  });

  it('lets a waiting invocation take an instance that frees before its own is ready', async () => {
    const w = world({ behaviour: { forkMs: 5_000, handler: () => ({ ms: 10 }) } });
    const v = version();
    w.fleet.serve(v);
    const first = many(w, 1, v);
    await w.clock.advance(6_000);
    await Promise.all(first);
    const two = many(w, 2, v);
    await w.clock.advance(100);
    await Promise.all(two);
    assert.deepEqual(
      w.usage.map((u) => u.coldRung),
      ['disk', null, null],
    );
  });

  it('keeps its patience while instances free, and loses it when none does', async () => {
    let ms = 1;
    const w = world({ behaviour: { forkMs: 5, handler: () => ({ ms }) } });
    const v = version({ timeoutMs: 60_000 });
    w.fleet.serve(v);
    for (const n of [1, 4]) {
      const warmUp = many(w, n, v);
      await w.clock.advance(2_000);
      await Promise.all(warmUp);
    }
    for (let i = 0; i < 20; i++) await Promise.all([many(w, 1, v)[0], w.clock.advance(10)]);
    assert.equal(w.fleet.roster.count, 4);

    ms = 3; // longer than the rule, so that the last of these waits longer than a start takes
    const slower = many(w, 18, v);
    await w.clock.advance(200);
    await Promise.all(slower);
    assert.ok(w.fleet.roster.count <= 7, `${w.fleet.roster.count} instances`);

    ms = 10_000;
    const before = w.fleet.roster.count;
    const hang = many(w, before + 6, v);
    await w.clock.advance(500);
    assert.equal(w.fleet.roster.count, before + 6, 'nobody frees: all who wait get an instance');
    await w.clock.advance(20_000);
    await Promise.all(hang);
  });

  it('stops idle instances after the linger and ends them after the keep-alive: back to zero', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    const all = many(w, 3, v);
    await w.clock.advance(1_000);
    await Promise.all(all);
    assert.deepEqual(
      [...w.fleet.roster.all()].map((i) => i.state),
      ['paused', 'paused', 'paused'],
    );
    await w.clock.advance(61_000);
    assert.equal(w.fleet.roster.count, 0);
  });

  it('keeps the minimum alive, from the deployment on', async () => {
    const w = world();
    const v = version({ scaling: { min: 2, max: null, concurrency: 1, keepAliveMs: 1_000 } });
    w.fleet.serve(v);
    await w.clock.advance(3_000);
    assert.equal(w.fleet.roster.count, 2);
    await w.clock.advance(60_000);
    assert.equal(w.fleet.roster.count, 2);
    const call = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(50);
    await call;
    assert.equal(w.fleet.roster.count, 2);
  });

  it('tries a minimum whose init phase fails ever more rarely, says why it is missing, and starts it once that works', async () => {
    const w = world({ behaviour: { initError: { errorType: 'Error', errorMessage: 'no' } } });
    const v = version({ scaling: { min: 2, max: null, concurrency: 1, keepAliveMs: 60_000 } });
    w.fleet.serve(v);
    assert.equal(w.fleet.shortfall(v.revisionId), null, 'not yet');
    const tries = (): number => w.lines.filter((l) => l.includes('init of')).length;
    await w.clock.advance(60_000);
    assert.deepEqual(w.fleet.shortfall(v.revisionId), { init: true, message: 'init failed: Error' });
    assert.match(w.fleet.outlook(v.revisionId)?.why ?? '', /^min 2, not there: init failed: Error$/);
    const early = tries();
    await w.clock.advance(600_000);
    const late = tries() - early;
    assert.ok(early >= 5 && late <= 11, `${early} in the first minute, ${late} in the next ten`);
    w.behaviour.initError = null;
    await w.clock.advance(61_000);
    assert.equal(w.fleet.roster.count, 2);
    assert.equal(w.fleet.shortfall(v.revisionId), null);
  });

  it('asks nobody to wait for runs that have lasted long, however short others are', async () => {
    const w = world();
    const v = version({ timeoutMs: 60_000 });
    w.fleet.serve(v);
    const short = many(w, 20, v);
    await w.clock.advance(1_000);
    await Promise.all(short);
    w.behaviour.handler = () => ({ ms: 30_000 });
    const long = many(w, 500, v);
    await w.clock.advance(10_000);
    w.behaviour.handler = () => ({ ms: 1 });
    const before = w.fleet.roster.count;
    const call = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(QUICK.forkMs + 2);
    assert.equal(w.fleet.roster.count, before + 1, 'started at once');
    assert.equal((await call).usage.outcome, 'ok');
    await w.clock.advance(30_000);
    await Promise.all(long);
  });

  it('answers 429 at once beyond the reserved concurrency', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 1_000 }) } });
    const v = version({ scaling: { min: 0, max: 2, concurrency: 1, keepAliveMs: 1_000 } });
    w.fleet.serve(v);
    const two = many(w, 2, v);
    await assert.rejects(w.dispatcher.invoke(v, w.invocation()), (e: unknown) => {
      assert.ok(e instanceof HearthError);
      assert.equal(e.code, 'TooManyRequestsException');
      assert.equal(e.details['Reason'], 'ReservedFunctionConcurrentInvocationLimitExceeded');
      return true;
    });
    await w.clock.advance(3_000);
    await Promise.all(two);
  });

  it('shares the reserved concurrency between versions, and leaves each what is provisioned for it', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 10_000 }) } });
    const of = (number: string, min: number, max: number) =>
      version({ version: number, revisionId: `r-${number}`, timeoutMs: 60_000, scaling: { min, max, concurrency: 1, keepAliveMs: 1_000 } });
    // Reserved: 3, one of them provisioned for version 1: two are shared.
    const [latest, one, two] = [of('$LATEST', 0, 2), of('1', 1, 3), of('2', 0, 2)];
    for (const v of [latest, one, two]) w.fleet.serve(v);
    const refused = (v: typeof latest): Promise<void> => assert.rejects(w.dispatcher.invoke(v, w.invocation()), /Rate Exceeded/);
    const running = [...many(w, 1, latest), ...many(w, 1, two)];
    await refused(latest);
    await refused(two);
    running.push(...many(w, 1, one)); // what is provisioned for it is its own
    await refused(one);
    await w.clock.advance(20_000);
    await Promise.all(running);
    const all = many(w, 3, one); // and beyond it, what is shared
    await refused(latest);
    await refused(one);
    await w.clock.advance(20_000);
    await Promise.all(all);
  });

  it('refuses who needs one more snapshot made than may be at once, where there is such a limit', async () => {
    const w = world({ limits: { snapshotsAtOnce: 1 } });
    const [one, two] = ['one', 'two'].map((name) => version({ functionId: name, name, revisionId: `r-${name}` })) as [
      ReturnType<typeof version>,
      ReturnType<typeof version>,
    ];
    for (const v of [one, two]) w.fleet.serve(v);
    const calls = many(w, 3, one);
    await w.clock.advance(100); // of the 600 that it takes
    await assert.rejects(w.dispatcher.invoke(two, w.invocation()), (e: unknown) => {
      assert.ok(e instanceof HearthError);
      assert.deepEqual([e.code, e.details['Reason']], ['TooManyRequestsException', 'ConcurrentSnapshotCreateLimitExceeded']);
      return true;
    });
    calls.push(...many(w, 1, one)); // waits for the one that is made
    await w.clock.advance(1_000);
    await Promise.all(calls);
    const later = many(w, 1, two);
    await w.clock.advance(1_000);
    await Promise.all(later);
  });

  it('queues for the machine, at most so many and so long, then 429', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 2_500 }) }, limits: { instances: 1 }, queue: { queueLength: 2, queueMs: 1_000 } });
    const v = version({ timeoutMs: 9_000 });
    w.fleet.serve(v);
    const first = many(w, 1, v);
    await w.clock.advance(700);
    const settled = Promise.allSettled(many(w, 3, v));
    await w.clock.advance(100);
    await w.clock.advance(2_000);
    const reasons = (await settled).map((r) => (r.status === 'rejected' ? (r.reason as HearthError).details['Reason'] : 'ran'));
    assert.deepEqual(reasons, Array(3).fill('ConcurrentInvocationLimitExceeded'));
    await w.clock.advance(3_000);
    await Promise.all(first);
  });

  it('starts nothing that would take the reserve, and gives up idle instances of others instead', async () => {
    const w = world();
    const other = version({ revisionId: 'r-other', name: 'other' });
    const v = version();
    w.fleet.serve(other);
    w.fleet.serve(v);
    const before = many(w, 4, other);
    await w.clock.advance(2_000);
    await Promise.all(before);
    assert.equal(w.fleet.roster.count, 4);
    w.memory.availableBytes = 512 * 1024 * 1024;
    const call = w.dispatcher.invoke(v, w.invocation());
    call.catch(() => undefined);
    await w.clock.advance(200);
    assert.ok(w.fleet.roster.count < 4, 'an idle instance of another function was given up');
    w.memory.availableBytes = 8 * 1024 * 1024 * 1024;
    await w.clock.advance(2_000);
    await call;
  });

  it('stops many that fall idle together a few at a time, and all of them', async () => {
    const w = world({ behaviour: { handler: ({ receivedAtMs }) => ({ ms: 1_010_000 - receivedAtMs }) } });
    const v = version({ timeoutMs: 60_000 });
    w.fleet.serve(v);
    const all = many(w, 100, v);
    await w.clock.advance(20_000);
    await Promise.all(all);
    w.behaviour.handler = () => ({ ms: 1 });
    const next = many(w, 100, v);
    const paused = (): number => [...w.fleet.roster.all()].filter((i) => i.state === 'paused').length;
    let most = 0;
    for (let before = paused(), ms = 0; ms < 300; ms++, before = paused()) {
      await w.clock.advance(1);
      most = Math.max(most, paused() - before);
    }
    await Promise.all(next);
    assert.equal(paused(), w.fleet.roster.count);
    assert.ok(most > 0 && most <= 32, String(most));
  });

  it('gives one instance as many invocations at a time as the function takes', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 500 }) } });
    const v = version({ scaling: { min: 0, max: null, concurrency: 4, keepAliveMs: 60_000 } });
    w.fleet.serve(v);
    const all = many(w, 8, v);
    await w.clock.advance(5_000);
    await Promise.all(all);
    assert.equal(w.fleet.roster.count, 2);
  });
});
