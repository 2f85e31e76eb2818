import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explanation, type Explanation } from '../../src/metering/explain/explanation.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import { version, world, type World } from './world.ts';

async function explained(w: World, v: FunctionVersion): Promise<Explanation> {
  const call = w.dispatcher.invoke(v, w.invocation());
  await w.clock.advance(5_000);
  const { usage } = await call;
  return explanation(usage, 1, v);
}

const drawn = (e: Explanation): string[] => e.waterfall.map((s) => `${s.of}.${s.name} ${s.atMs}+${s.ms}`);
const codes = (e: Explanation): string[] => e.advice.map((a) => a.code);

describe('the waterfall of an invocation', () => {
  it('of a first use goes through runtime, snapshot and instance, without a gap', async () => {
    const w = world();
    const v = version({ snapshot: 'onFirstUse', modifiedAtMs: w.clock.now() + 60_000 });
    w.fleet.serve(v);
    await w.clock.advance(62_000);
    const e = await explained(w, v);
    assert.deepEqual(drawn(e), [
      'invocation.queue 0+0',
      'invocation.place 0+0',
      'runtime.spawn 0+100',
      'snapshot.userInit 100+500',
      'instance.fork 600+5',
      'invocation.handler 605+10',
      'invocation.reply 615+0',
    ]);
    assert.deepEqual([e.totalMs, e.queuedMs, e.handlerMs, e.coldRung], [615, 605, 10, 'disk']);
    assert.equal(e.reason?.cause, 'deployed');
    assert.match(e.reason?.text ?? '', /deployed 2\.0 s ago/);
    assert.deepEqual(codes(e), ['snapshot', 'user_init']);
  });

  it('of a warm call is short, and says that there is nothing to win', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    await explained(w, v);
    const e = await explained(w, v);
    assert.deepEqual(drawn(e), ['invocation.queue 0+0', 'invocation.handler 0+10', 'invocation.reply 10+0']);
    assert.deepEqual([e.reason, e.slowestModules, codes(e)], [null, [], ['nothing']]);
  });

  it('of two at once: the second forks, because the one instance was busy', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 1_000 }) } });
    const v = version();
    w.fleet.serve(v);
    await explained(w, v);
    const first = w.dispatcher.invoke(v, w.invocation());
    const e = await explained(w, v);
    await first;
    assert.deepEqual([e.coldRung, e.reason], ['snapshot', { cause: 'instances_busy', text: 'its one instance was busy' }]);
    assert.ok(codes(e).includes('min'));
  });

  it('of those that share an instance and waited for its start together is cold, and one of them pays for its init phase', async () => {
    const w = world();
    const v = version({ scaling: { min: 0, max: null, concurrency: 4, keepAliveMs: 60_000 }, snapshot: 'off' });
    w.fleet.serve(v);
    const beside = w.dispatcher.invoke(v, w.invocation());
    const e = await explained(w, v);
    await beside;
    assert.deepEqual(
      w.usage.map((u) => [u.instanceId, u.coldRung, u.coldMs, u.initMs, u.billedMs]),
      [510, 10].map((billed) => [w.usage[0]?.instanceId, 'disk', 600, 500, billed]),
    );
    assert.equal(e.reason?.cause, 'snapshots_off');
  });

  it('after one that ended the last instance says that it did', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 5, exit: { code: 1, signal: null } }) } });
    const v = version();
    w.fleet.serve(v);
    await explained(w, v);
    const e = await explained(w, v);
    assert.equal(e.reason?.cause, 'instance_lost');
    assert.match(e.reason?.text ?? '', /^no instance was alive: the last one ended 4\.\d s ago, under its invocation$/);
    assert.deepEqual(codes(e), ['instance_lost']);
    w.behaviour.handler = () => ({ ms: 5 });
    await explained(w, v);
    await w.clock.advance(120_000);
    assert.equal((await explained(w, v)).reason?.cause, 'no_instance');
  });

  it('of one that joined a start under way begins where it joined', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    const first = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(300);
    const e = await explained(w, v);
    await first;
    assert.equal(e.waterfall.find((s) => s.name === 'userInit')?.ms, 300, 'of 600 ms until the snapshot is there, 300 are over');
    assert.ok(e.waterfall.every((s) => s.atMs >= 0 && s.ms >= 0));
    assert.equal(e.waterfall[0]?.name, 'queue');
  });

  it('of a burst on what has no snapshot yet: all wait for the one that is being made, each says so, and one pays for it', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    const calls = [w.dispatcher.invoke(v, w.invocation()), w.dispatcher.invoke(v, w.invocation())];
    await w.clock.advance(5_000);
    const told = (await Promise.all(calls)).map((done) => explanation(done.usage, 1, v));
    assert.deepEqual(
      told.map((e) => [e.reason?.cause, e.initMs, e.initBilled, e.billedMs, e.waterfall.find((s) => s.name === 'userInit')?.ms]),
      [
        ['deployed', 500, true, 510, 500],
        ['deployed', 500, false, 10, 500],
      ],
    );
    assert.match(told[0]?.reason?.text ?? '', /deployed 0\.0 s ago, and nothing had been started of it$/);
    assert.match(told[1]?.reason?.text ?? '', /deployed 0\.0 s ago, and it was being made for another start$/);
  });

  it('says when the snapshot was let go, when snapshots are off, and when it can not be forked', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    await explained(w, v);
    await Promise.all(w.fleet.endIdle(v.revisionId));
    await w.fleet.residences.get(v.revisionId)?.evict('idle');
    await w.clock.advance(120_000);
    const evicted = await explained(w, v);
    assert.deepEqual([evicted.coldRung, evicted.reason?.cause], ['zygote', 'evicted_idle']);
    assert.match(evicted.reason?.text ?? '', /let go 2 min ago/);
    const off = version({ revisionId: 'r-off', snapshot: 'off' });
    w.fleet.serve(off);
    assert.deepEqual((await explained(w, off)).reason?.cause, 'snapshots_off');
    w.behaviour.unforkable = 'init left a thread';
    w.behaviour.handler = () => ({ ms: 4_000 });
    const plain = version({ revisionId: 'r-plain', timeoutMs: 10_000 });
    w.fleet.serve(plain);
    const first = w.dispatcher.invoke(plain, w.invocation());
    await w.clock.advance(1_000);
    const second = await explained(w, plain);
    await first;
    assert.deepEqual(second.reason, { cause: 'unforkable', text: "it can't be forked: init left a thread" });
    assert.ok(codes(second).includes('forkable'));
  });

  it('of an init phase that fails says so', async () => {
    const w = world({ behaviour: { initError: { errorType: 'Error', errorMessage: 'no' } } });
    const v = version();
    w.fleet.serve(v);
    const cameAtMs = w.clock.now();
    const e = await explained(w, v);
    assert.deepEqual(drawn(e), ['invocation.queue 0+0', 'runtime.spawn 0+100', 'instance.userInit 100+500']);
    assert.deepEqual([e.coldRung, e.reason?.cause, codes(e)], ['disk', 'init_failed', ['init_failed']]);
    assert.equal(e.startedAtMs - e.queuedMs, cameAtMs);
    w.behaviour.initError = null;
    const next = await explained(w, v);
    assert.deepEqual([next.coldRung, next.reason?.cause, next.outcome], ['zygote', 'init_failed', 'ok']);
    assert.match(next.reason?.text ?? '', /^no snapshot yet: its init phase failed when it last ran, 4\.4 s ago$/);
    assert.deepEqual(codes(next), ['user_init', 'init_failed']);
  });
});
