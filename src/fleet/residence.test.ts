import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { aVersion } from '../model/testing/a-version.ts';
import type { InitReport } from '../model/instance.ts';
import { InitFailure } from './driver.ts';
import type { Driver, DriverInstance, DriverSnapshot, InstanceSpec, StartSpec } from './driver.ts';
import { Residence } from './residence.ts';

const init: InitReport = { durationMs: 7, slowestModules: [], unforkable: null };
const spec = async (): Promise<StartSpec> => ({}) as StartSpec;
const instance = {} as InstanceSpec;
const hung = (): never => {
  throw new Error('a process did not greet within 10 ms');
};

/** A driver whose forks go as `fork` says, by the number of the snapshot; it counts what it was asked for. */
function driver(fork: (snapshot: number, nth: number) => void) {
  const asked = { prepared: 0, forks: 0, plain: 0, evicted: 0 };
  const snapshots = new Map<DriverSnapshot, number>();
  const started = (rung: DriverInstance['rung']): DriverInstance =>
    ({ rung, init: rung === 'snapshot' ? null : init, steps: [] }) as unknown as DriverInstance;
  const made = {
    unforkable: () => null,
    async prepare() {
      const snapshot = {
        rung: 'disk',
        init,
        steps: [],
        gone: new Promise(() => {}),
        evict: async () => void asked.evicted++,
      } as unknown as DriverSnapshot;
      snapshots.set(snapshot, ++asked.prepared);
      return { kind: 'snapshot' as const, snapshot };
    },
    async fork(snapshot: DriverSnapshot) {
      fork(snapshots.get(snapshot)!, ++asked.forks);
      return started('snapshot');
    },
    async start() {
      asked.plain++;
      return started('zygote');
    },
  };
  return { asked, driver: made as unknown as Driver };
}

const residenceOf = (made: Driver, clock: VirtualClock = new VirtualClock()): Residence =>
  new Residence(aVersion(), made, { clock, observer: { made: () => {}, gone: () => {} } });

describe('a residence whose forks fail', () => {
  it('replaces a child that did not greet, counts it, and nobody sees it', async () => {
    const { asked, driver: made } = driver((_, nth) => nth === 2 && hung());
    const clock = new VirtualClock();
    const residence = residenceOf(made, clock);
    for (let i = 0; i < 3; i++) assert.ok(['disk', 'snapshot'].includes((await residence.start(spec, instance)).rung));
    assert.deepEqual(asked, { prepared: 1, forks: 4, plain: 0, evicted: 0 });
    assert.deepEqual([residence.failedForks, residence.forks, residence.state.kind], [1, 3, 'snapshot']);
  });

  it('makes another parent when one loses two children in a row', async () => {
    const { asked, driver: made } = driver((snapshot) => snapshot === 1 && hung());
    const residence = residenceOf(made);
    await residence.start(spec, instance);
    assert.deepEqual(asked, { prepared: 2, forks: 3, plain: 0, evicted: 1 });
    assert.equal(residence.failedForks, 2);
  });

  it('starts plainly where no child ever greets, says why, and tries again later', async () => {
    let broken = true;
    const { asked, driver: made } = driver(() => broken && hung());
    const clock = new VirtualClock();
    const residence = residenceOf(made, clock);
    assert.equal((await residence.start(spec, instance)).rung, 'zygote');
    assert.equal((await residence.start(spec, instance)).rung, 'zygote');
    assert.deepEqual(asked, { prepared: 2, forks: 4, plain: 2, evicted: 2 });
    assert.ok(residence.state.kind === 'plain');
    assert.match(
      residence.state.reason,
      /^instances forked from its snapshot did not come up \(a process did not greet within 10 ms\); .* again in 1 min$/,
    );
    await clock.advance(60_000);
    await residence.start(spec, instance);
    assert.match((residence.state as { reason: string }).reason, /in 2 min$/, 'still broken: longer');
    broken = false;
    await clock.advance(120_000);
    await residence.start(spec, instance);
    assert.deepEqual([residence.state.kind as string, (await residence.start(spec, instance)).rung], ['snapshot', 'snapshot']);
  });

  it('starts plainly what its machine can not fork, and tries again later', async () => {
    const { asked, driver: made } = driver(() => {});
    const prepared = made.prepare.bind(made);
    const plain = { kind: 'instance', reason: 'not now', passing: true, instance: await made.start({} as StartSpec, instance) } as const;
    const clock = new VirtualClock();
    const residence = residenceOf(Object.assign(made, { prepare: async () => plain }), clock);
    for (let i = 0; i < 2; i++) assert.equal((await residence.start(spec, instance)).rung, 'zygote');
    assert.deepEqual(residence.state, { kind: 'plain', reason: 'not now', init, againAtMs: 60_000 });
    Object.assign(made, { prepare: prepared });
    await clock.advance(60_000);
    assert.equal((await residence.start(spec, instance)).rung, 'disk');
    assert.deepEqual([residence.state.kind as string, asked.prepared], ['snapshot', 1]);
  });

  it('gives up no more than two parents for a hundred starts that fail at once', async () => {
    const { asked, driver: made } = driver(hung);
    const clock = new VirtualClock();
    const residence = residenceOf(made, clock);
    const started = await Promise.all(Array.from({ length: 100 }, () => residence.start(spec, instance)));
    assert.ok(started.every((s) => s.rung === 'zygote'));
    assert.deepEqual([asked.prepared, asked.evicted, asked.plain], [2, 2, 100]);
  });

  it('passes the failure of after-restore hooks on at once: they are the function’s', async () => {
    const failure = new InitFailure('Runtime.AfterRestoreError', Buffer.from('{}'), 1);
    const { asked, driver: made } = driver(() => {
      throw failure;
    });
    const residence = residenceOf(made);
    await assert.rejects(residence.start(spec, instance), (error) => error === failure);
    assert.deepEqual([asked.forks, residence.failedForks, residence.state.kind], [1, 0, 'snapshot']);
    assert.deepEqual([failure.rung, failure.billed], ['snapshot', false], 'hooks are no init phase');
  });
});
