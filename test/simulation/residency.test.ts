import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyOf } from '../../src/fleet/residency.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import { version, world, type World } from './world.ts';

const MINUTE = 60_000;
const MIB = 1024 * 1024;
const learning = { keepAliveMs: 10 * MINUTE, keepAlive: 'server' } as const;
const byHistogram = (change: Partial<FunctionVersion> = {}) =>
  version({ scaling: { min: 0, max: null, concurrency: 1, ...learning }, ...change });

async function call(w: World, v: FunctionVersion): Promise<string | null> {
  const done = w.dispatcher.invoke(v, w.invocation());
  await w.clock.advance(2_000);
  return (await done).usage.coldRung;
}

const kindOf = (w: World, v: FunctionVersion) => w.fleet.residences.get(v.revisionId)?.state.kind;

/** Called every so often, so many times; ends as long after the last call. */
async function every(w: World, v: FunctionVersion, { minutes, times }: { minutes: number; times: number }): Promise<(string | null)[]> {
  const rungs: (string | null)[] = [];
  for (let i = 0; i < times; i++) {
    rungs.push(await call(w, v));
    await w.clock.advance(minutes * MINUTE - 2_000);
  }
  return rungs;
}

describe('what stays resident by its histogram', () => {
  it('goes after each call of a steady rhythm, and its snapshot is back before the next', async () => {
    const w = world({ snapshotKeepMs: 10 * MINUTE });
    const v = byHistogram();
    w.fleet.serve(v);
    const rungs = await every(w, v, { minutes: 20, times: 8 });
    assert.deepEqual(rungs.slice(0, 4), ['disk', 'zygote', 'zygote', 'zygote'], 'ten minutes are too short while it learns');
    assert.deepEqual(new Set(rungs.slice(4)), new Set(['snapshot']));
    await call(w, v);
    await w.clock.advance(5 * MINUTE);
    assert.deepEqual([kindOf(w, v), w.fleet.roster.count], ['nothing', 0], 'away');
    const outlook = w.fleet.outlook(v.revisionId);
    assert.equal(outlook?.phase, 'away');
    assert.match(outlook?.why ?? '', /^histogram: p5 19 min, p99 20 min of \d idle times$/);
    await w.clock.advance(13 * MINUTE);
    assert.equal(kindOf(w, v), 'snapshot');
    assert.equal(w.fleet.outlook(v.revisionId)?.phase, 'back');
    await w.clock.advance(10 * MINUTE);
    assert.equal(kindOf(w, v), 'nothing', 'nobody came: gone for good');
  });

  it('keeps as long as the server is configured to what says no time of its own', async () => {
    const kept = async (keepAliveMs: number | null) => {
      const w = world({ keepAliveMs: 3 * MINUTE, snapshotKeepMs: 5 * MINUTE });
      const v = version({ scaling: { min: 0, max: null, concurrency: 1, keepAliveMs, keepAlive: 'fixed' } });
      w.fleet.serve(v);
      await call(w, v);
      const seen: unknown[] = [];
      for (let minutes = 2; minutes <= 6; minutes += 2) {
        await w.clock.advance(2 * MINUTE);
        seen.push([w.fleet.roster.count, kindOf(w, v)]);
      }
      return seen;
    };
    assert.deepEqual(await kept(null), [
      [1, 'snapshot'],
      [0, 'snapshot'],
      [0, 'nothing'],
    ]);
    assert.deepEqual(await kept(MINUTE), [
      [0, 'snapshot'],
      [0, 'snapshot'],
      [0, 'nothing'],
    ]);
  });

  it('brings back an instance where nothing can be forked', async () => {
    const w = world({ behaviour: { unforkable: 'a thread' }, snapshotKeepMs: 10 * MINUTE });
    const v = byHistogram();
    w.fleet.serve(v);
    const rungs = await every(w, v, { minutes: 20, times: 7 });
    assert.deepEqual(rungs.slice(5), [null, null], 'it found a running instance');
  });

  it('learns over revisions and restarts', async () => {
    const first = world({ snapshotKeepMs: 10 * MINUTE });
    const v = byHistogram();
    first.fleet.serve(v);
    await every(first, v, { minutes: 20, times: 5 });
    const stored = first.fleet.habits.changes();
    assert.equal(stored.length, 1);
    assert.deepEqual(first.fleet.habits.changes(), [], 'stored once');
    const second = world({ snapshotKeepMs: 10 * MINUTE });
    const nextRevision = byHistogram({ revisionId: 'r-2' });
    second.fleet.habits.restore(stored.map((h) => ({ ...h, lastUsedAtMs: second.clock.now() - 2 * MINUTE })));
    second.fleet.revive(nextRevision);
    await second.clock.advance(10 * MINUTE);
    assert.equal(kindOf(second, nextRevision) ?? 'nothing', 'nothing', 'away, as it was');
    await second.clock.advance(6 * MINUTE);
    assert.equal(kindOf(second, nextRevision), 'snapshot');
    await second.fleet.close();
  });

  it('forgets a function that is removed while it is at work, whatever still comes to its end', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 1_000 }) } });
    const v = byHistogram();
    w.fleet.serve(v);
    const first = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(700);
    const second = w.dispatcher.invoke(v, w.invocation());
    w.fleet.habits.forget(v.functionId);
    const done = w.dispatcher.retire(v.revisionId).then(() => w.fleet.retire(v.revisionId));
    await w.clock.advance(10_000);
    await Promise.all([first, second, done]);
    assert.deepEqual(w.fleet.habits.changes(), [], 'nothing is stored of what is gone');
    assert.equal(w.fleet.habits.find(v.functionId), undefined);
    await w.fleet.close();
  });

  it('a function whose revision is retired at work is idle when its other revisions are', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 1_000 }) } });
    const [v, next] = [byHistogram(), byHistogram({ revisionId: 'r-2' })];
    w.fleet.serve(v);
    const done = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(700);
    w.fleet.serve(next);
    await Promise.all([w.fleet.retire(v.revisionId), w.clock.advance(10_000), done]);
    await call(w, next);
    assert.equal(w.fleet.habits.of(v.functionId).busy, 0);
    await w.fleet.close();
  });

  it('makes no more snapshots in a minute than it may', async () => {
    const w = world({ snapshotKeepMs: 5 * MINUTE, residency: { prewarmsPerMinute: 2, policyOf: policyOf('histogram') } });
    const all = Array.from({ length: 6 }, (_, i) => byHistogram({ functionId: `f-${i}`, name: `n-${i}`, revisionId: `r-${i}` }));
    for (const v of all) w.fleet.serve(v);
    for (let round = 0; round < 5; round++) {
      const calls = all.map((v) => w.dispatcher.invoke(v, w.invocation()));
      await w.clock.advance(10_000);
      await Promise.all(calls);
      await w.clock.advance(20 * MINUTE - 10_000);
    }
    const calls = all.map((v) => w.dispatcher.invoke(v, w.invocation()));
    await w.clock.advance(10_000);
    await Promise.all(calls);
    const madeBy = async (minutes: number): Promise<number> => {
      await w.clock.advance(minutes * MINUTE - 10_000);
      return all.filter((v) => kindOf(w, v) === 'snapshot').length;
    };
    const due = 19 * 0.9; // of 20 minutes less a few seconds
    assert.ok((await madeBy(due + 0.5)) <= 2);
    assert.ok((await madeBy(1)) <= 4);
    assert.equal(await madeBy(2), 6);
  });
});

describe('a snapshot that comes when its stay is over', () => {
  it('by a deployment of what is unchanged, goes again', async () => {
    const w = world({ snapshotKeepMs: 30 * MINUTE });
    const v = version({ snapshot: 'onDeploy' });
    w.fleet.serve(v);
    await call(w, v);
    await w.clock.advance(3 * 60 * MINUTE);
    assert.equal(kindOf(w, v), 'nothing');
    const deployed = w.fleet.deploy(v);
    await w.clock.advance(20 * MINUTE);
    await deployed;
    assert.deepEqual([kindOf(w, v), w.fleet.outlook(v.revisionId)?.phase], ['snapshot', 'here']);
    await w.clock.advance(20 * MINUTE);
    assert.equal(kindOf(w, v), 'nothing');
  });

  it('is not made, where its turn comes too late', async () => {
    const w = world({ snapshotKeepMs: 5 * MINUTE, residency: { prewarmsPerMinute: 1, policyOf: policyOf('histogram') } });
    const all = Array.from({ length: 12 }, (_, i) => byHistogram({ functionId: `f-${i}`, name: `n-${i}`, revisionId: `r-${i}` }));
    for (const v of all) w.fleet.serve(v);
    for (let round = 0; round < 6; round++) {
      const calls = all.map((v) => w.dispatcher.invoke(v, w.invocation()));
      await w.clock.advance(10_000);
      await Promise.all(calls);
      await w.clock.advance(20 * MINUTE - 10_000);
    }
    const inits = (): number => w.lines.filter((text) => text.includes('init of')).length;
    const before = inits();
    await w.clock.advance(60 * MINUTE);
    const made = inits() - before;
    assert.ok(made >= 1 && made <= 8, `${made} of 12 were due for some minutes, one of which was made in each`);
    assert.deepEqual(
      all.filter((v) => kindOf(w, v) === 'snapshot').map((v) => v.name),
      [],
    );
  });
});

describe('what a start of the server brings back', () => {
  it('the snapshots of onDeploy, one after the other, and no others; the minimum', async () => {
    const w = world();
    const [eager, lazy, off, kept] = [
      version({ snapshot: 'onDeploy', functionId: 'a', name: 'a', revisionId: 'a' }),
      version({ snapshot: 'onFirstUse', functionId: 'b', name: 'b', revisionId: 'b' }),
      version({ snapshot: 'off', functionId: 'c', name: 'c', revisionId: 'c' }),
      version({
        snapshot: 'onFirstUse',
        functionId: 'd',
        name: 'd',
        revisionId: 'd',
        scaling: { min: 2, max: null, concurrency: 1, keepAliveMs: MINUTE },
      }),
    ];
    for (const v of [eager, lazy, off, kept]) w.fleet.revive(v);
    await w.clock.advance(5_000);
    assert.deepEqual([kindOf(w, eager), kindOf(w, lazy) ?? 'nothing', w.fleet.roster.of('c').size], ['snapshot', 'nothing', 0]);
    assert.equal(w.fleet.roster.of('d').size, 2);
    await w.clock.advance(3 * 60 * MINUTE);
    assert.equal(w.fleet.roster.of('d').size, 2);
    assert.deepEqual([kindOf(w, eager), kindOf(w, kept)], ['nothing', 'snapshot']);
  });

  it('a minimum above the reserved concurrency is not started', async () => {
    const w = world();
    w.fleet.serve(version({ scaling: { min: 2, max: 0, concurrency: 1, keepAliveMs: MINUTE } }));
    await w.clock.advance(10_000);
    assert.equal(w.fleet.roster.count, 0);
  });

  it('waits for callers', async () => {
    const w = world({ behaviour: { initMs: 3_000 } });
    const [called, eager] = [
      version({ functionId: 'a', name: 'a', revisionId: 'a' }),
      version({ snapshot: 'onDeploy', functionId: 'b', name: 'b', revisionId: 'b' }),
    ];
    w.fleet.serve(called);
    const done = w.dispatcher.invoke(called, w.invocation());
    w.fleet.revive(eager);
    await w.clock.advance(2_000);
    assert.equal(kindOf(w, eager) ?? 'nothing', 'nothing', 'a caller’s start is under way');
    await w.clock.advance(10_000);
    await done;
    assert.equal(kindOf(w, eager), 'snapshot');
  });
});

describe('short of memory', () => {
  const three = (['a', 'b', 'c'] as const).map((id) => byHistogram({ functionId: id, name: id, revisionId: id }));

  it('a cap holds: what is used least for its cost goes, snapshot and instances', async () => {
    const w = world({ behaviour: { forkedBytes: 2 * MIB }, residency: { capBytes: 70 * MIB } });
    for (const v of three) w.fleet.serve(v);
    const [a, b, c] = three as [FunctionVersion, FunctionVersion, FunctionVersion];
    for (let i = 0; i < 5; i++) await call(w, a);
    await call(w, b);
    await call(w, c);
    assert.ok(w.fleet.residentBytes <= 70 * MIB, String(w.fleet.residentBytes));
    assert.deepEqual([kindOf(w, a), kindOf(w, b), kindOf(w, c)], ['snapshot', 'nothing', 'snapshot']);
    assert.equal(w.fleet.roster.of('b').size, 0);
  });

  it('the machine’s own shortage does the same, though nobody starts anything', async () => {
    const w = world();
    for (const v of three) {
      w.fleet.serve(v);
      await call(w, v);
    }
    w.memory.availableBytes = 512 * MIB - 1;
    await w.clock.advance(1_500);
    const left = three.filter((v) => kindOf(w, v) === 'snapshot' && w.fleet.roster.of(v.revisionId).size > 0).length;
    assert.equal(left, 2, 'as little as it takes');
  });

  it('no minimum is started that the machine has no room for; it is once there is room', async () => {
    const w = world({ behaviour: { unforkable: 'a thread' } });
    const v = version({ memoryMb: 256, scaling: { min: 5, max: null, concurrency: 1, keepAliveMs: MINUTE } });
    w.memory.availableBytes = 600 * MIB;
    w.fleet.serve(v);
    await w.clock.advance(2_000);
    w.memory.availableBytes = 520 * MIB;
    await w.clock.advance(10 * MINUTE);
    const few = w.fleet.roster.count;
    assert.ok(few >= 1 && few < 5, String(few));
    assert.match(w.fleet.outlook(v.revisionId)?.why ?? '', /^min 5, not there: the machine has no room for another instance$/);
    w.memory.availableBytes = 8_192 * MIB;
    await w.clock.advance(2 * MINUTE);
    assert.deepEqual([w.fleet.roster.count, w.fleet.shortfall(v.revisionId)], [5, null]);
  });

  it('spares what is busy and the minimum', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 30_000 }) }, residency: { capBytes: 1 } });
    const busy = version({ timeoutMs: 60_000, functionId: 'a', name: 'a', revisionId: 'a' });
    const kept = version({
      functionId: 'b',
      name: 'b',
      revisionId: 'b',
      scaling: { min: 1, max: null, concurrency: 1, keepAliveMs: MINUTE },
    });
    w.fleet.serve(busy);
    w.fleet.serve(kept);
    const done = w.dispatcher.invoke(busy, w.invocation());
    await w.clock.advance(10_000);
    assert.deepEqual([w.fleet.roster.of('a').size, w.fleet.roster.of('b').size], [1, 1]);
    await w.clock.advance(30_000);
    assert.equal((await done).error, null);
  });
});
