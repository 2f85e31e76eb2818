import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rollouts } from '../../src/composition/rollouts.ts';
import { FunctionRegistry, type FunctionSettings } from '../../src/control/registry.ts';
import { Resources } from '../../src/control/resources.ts';
import { TestFunctionStore } from '../../src/control/testing/function-store.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import { randomIds } from '../../src/lib/ids.ts';
import type { FunctionLogs } from '../../src/observe/function-logs.ts';
import { createLogger } from '../../src/observe/logger.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import type { UsageRecord } from '../../src/model/usage.ts';
import { version, world } from './world.ts';

const INIT_ERROR = { errorType: 'Runtime.ImportModuleError', errorMessage: 'no module' };

/** A registry whose changes reach callers as they do in the server. */
async function opened(options: Parameters<typeof world>[0] = {}) {
  const w = world({ behaviour: { initMs: 1_500 }, ...options });
  const store = new TestFunctionStore();
  const scope = { accountId: '000000000000', region: 'us-east-1' };
  const resources = await Resources.load(memoryStore().resources, scope);
  const registry = await FunctionRegistry.load({ store, resources, clock: w.clock, ids: randomIds, random: () => 0.5, scope });
  const logsRemoved: string[] = [];
  const logs = { remove: async (name: string) => void logsRemoved.push(name) } as unknown as FunctionLogs;
  const rollouts = Rollouts.follow({ registry, resources, fleet: w.fleet, dispatcher: w.dispatcher, logs, log: createLogger('silent') });
  const { functionId: _1, accountId: _2, region: _3, name: _4, version: _5, revisionId: _6, modifiedAtMs: _7, ...settings } = version();
  const calls: Promise<UsageRecord>[] = [];
  /** Calls in a steady stream while the clock turns. */
  const streaming = async (ms: number, name = 'f'): Promise<void> => {
    for (let at = 0; at < ms; at += 20) {
      calls.push(w.dispatcher.invoke(rollouts.resolve(name, null).version, w.invocation()).then((done) => done.usage));
      await w.clock.advance(20);
    }
  };
  const create = async (change: Partial<FunctionSettings> = {}) => {
    const created = await registry.create('f', { ...settings, snapshot: 'onDeploy', ...change });
    const ready = rollouts.ready(created).ready;
    await w.clock.advance(3_000);
    await ready;
    return created;
  };
  const state = (qualifier = '$LATEST') => rollouts.state(registry.get('f', qualifier) as FunctionVersion);
  return { w, registry, resources, rollouts, calls, streaming, create, state, logsRemoved };
}

const revisions = (records: readonly UsageRecord[]): string[] => [...new Set(records.map((u) => u.revisionId))];

describe('a deploy', () => {
  it('no caller meets an init phase, none fails, the old one ends', async () => {
    const { w, registry, rollouts, calls, streaming, create, state } = await opened();
    const old = await create();
    await streaming(500);
    const updated = await registry.update('f', () => ({ environment: { A: '2' } }));
    assert.deepEqual(state(), { status: 'InProgress' });
    assert.equal(rollouts.resolve('f', null).version.revisionId, old.revisionId);
    await streaming(3_000);
    assert.deepEqual(state(), { status: 'Successful' });
    await w.clock.advance(2_000);
    const records = await Promise.all(calls);
    assert.ok(records.length > 150);
    assert.deepEqual(revisions(records), [old.revisionId, updated.revisionId]);
    assert.deepEqual(
      records.filter((u) => u.initMs !== null || u.outcome !== 'ok'),
      [],
    );
    assert.equal(w.fleet.residences.has(old.revisionId), false);
    assert.equal(w.fleet.roster.of(old.revisionId).size, 0);
  });

  it('where nothing can be forked, as many instances are ready as served before', async () => {
    const { w, registry, calls, streaming, create } = await opened({
      behaviour: { initMs: 1_500, unforkable: 'a thread', handler: () => ({ ms: 50 }) },
    });
    await create();
    await streaming(5_000);
    const before = calls.length;
    await registry.update('f', () => ({ environment: { A: '2' } }));
    await streaming(6_000);
    await w.clock.advance(5_000);
    const after = (await Promise.all(calls)).slice(before);
    assert.equal(revisions(after).length, 2);
    assert.deepEqual(
      after.filter((u) => u.coldRung !== null),
      [],
    );
  });

  it('whose init phase fails is undone: the old serves on, the registry has it back', async () => {
    const { w, registry, rollouts, calls, streaming, create, state } = await opened();
    const old = await create();
    w.behaviour.initError = INIT_ERROR;
    const updated = await registry.update('f', () => ({ environment: { A: '2' } }));
    const { taking, ready } = rollouts.ready(updated);
    const failed = assert.rejects(ready);
    await streaming(3_000);
    await failed;
    assert.equal(taking, true);
    assert.deepEqual(state(), {
      status: 'Failed',
      reasonCode: 'FunctionError.RuntimeInitError',
      reason: 'Runtime.ImportModuleError: no module',
    });
    assert.deepEqual(registry.get('f'), old);
    w.behaviour.initError = null;
    const again = await registry.update('f', () => ({ environment: { A: '3' } }));
    await streaming(3_000);
    assert.equal(rollouts.resolve('f', null).version.revisionId, again.revisionId);
    assert.deepEqual(state(), { status: 'Successful' });
    await w.clock.advance(2_000);
    assert.deepEqual(revisions(await Promise.all(calls)), [old.revisionId, again.revisionId]);
  });

  it('whose init phase fails is undone where nothing is ever forked, too, and no instance was alive', async () => {
    const { w, registry, rollouts, create, state } = await opened();
    const old = await create({ snapshot: 'off' });
    const first = w.dispatcher.invoke(rollouts.resolve('f', null).version, w.invocation());
    await w.clock.advance(5_000);
    await first;
    await w.clock.advance(60 * 60_000);
    assert.equal(w.fleet.roster.count, 0);
    w.behaviour.initError = INIT_ERROR;
    await registry.update('f', () => ({ environment: { A: '2' } }));
    await w.clock.advance(5_000);
    assert.deepEqual([state().status, rollouts.resolve('f', null).version.revisionId], ['Failed', old.revisionId]);
    w.behaviour.initError = null;
    const next = await registry.update('f', () => ({ environment: { A: '3' } }));
    await w.clock.advance(5_000);
    assert.deepEqual([state().status, rollouts.resolve('f', null).version], ['Successful', next]);
  });

  it('whose init phase fails takes nothing back that was changed by itself meanwhile', async () => {
    const { w, registry, rollouts, state, streaming, create, calls } = await opened();
    const old = await create();
    w.behaviour.initError = INIT_ERROR;
    await registry.update('f', () => ({ environment: { A: '2' } }));
    await streaming(200);
    await registry.update('f', () => ({ tags: { kept: 'yes' } }));
    await registry.update('f', () => ({ url: { auth: 'NONE' } }));
    await streaming(3_000);
    assert.equal(state().status, 'Failed');
    assert.deepEqual(registry.get('f'), { ...old, tags: { kept: 'yes' }, url: { auth: 'NONE' } });
    await registry.update('f', () => ({ environment: { A: '3' } }));
    await registry.update('f', (f) => ({ scaling: { ...f.scaling, max: 7 } }));
    await streaming(1_600);
    w.behaviour.initError = null;
    await streaming(3_000);
    assert.equal(state().status, 'Failed');
    const { environment, tags, scaling, revisionId } = registry.get('f') ?? old;
    assert.deepEqual([environment, tags, scaling.max], [old.environment, { kept: 'yes' }, 7]);
    const serving = rollouts.resolve('f', null).version;
    assert.deepEqual([serving.revisionId, serving.scaling.max], [revisionId, 7]);
    // The reserved concurrency is that of what serves, so that it is another revision, which a change can be made on top of.
    assert.notEqual(revisionId, old.revisionId);
    const again = await registry.update('f', () => ({ environment: { A: '4' } }));
    await streaming(3_000);
    assert.deepEqual([state().status, rollouts.resolve('f', null).version], ['Successful', again]);
    await w.clock.advance(2_000);
    assert.ok((await Promise.all(calls)).every((u) => u.outcome === 'ok'));
  });

  it('that is overtaken by the next never serves', async () => {
    const { w, registry, rollouts, calls, streaming, create } = await opened();
    const old = await create();
    const second = await registry.update('f', () => ({ environment: { A: '2' } }));
    await streaming(500);
    const third = await registry.update('f', () => ({ environment: { A: '3' } }));
    await streaming(4_000);
    await w.clock.advance(3_000);
    assert.deepEqual(revisions(await Promise.all(calls)), [old.revisionId, third.revisionId]);
    assert.equal(rollouts.resolve('f', null).version, third);
    assert.equal(w.fleet.residences.has(second.revisionId), false);
    assert.equal(w.fleet.roster.of(second.revisionId).size, 0);
  });

  it('of a function that never worked, or that switches it off, is at once', async () => {
    const { w, registry, rollouts } = await opened({ behaviour: { initMs: 100, initError: INIT_ERROR } });
    const { functionId: _1, accountId: _2, region: _3, name: _4, version: _5, revisionId: _6, modifiedAtMs: _7, ...settings } = version();
    const broken = await registry.create('f', settings);
    const failed = w.dispatcher.invoke(broken, w.invocation());
    await w.clock.advance(1_000);
    assert.equal((await failed).error?.errorType, INIT_ERROR.errorType);
    w.behaviour.initError = null;
    const repaired = await registry.update('f', () => ({ environment: { A: '2' } }));
    assert.equal(rollouts.resolve('f', null).version, repaired);
    const off = await registry.update('f', (f) => ({ scaling: { ...f.scaling, max: 0 } }));
    assert.equal(rollouts.resolve('f', null).version, off);
  });

  it('a removed function is gone, also in the middle of one', async () => {
    const { w, registry, rollouts, create } = await opened();
    await create();
    await registry.update('f', () => ({ environment: { A: '2' } }));
    await registry.remove('f');
    await w.clock.advance(10_000);
    assert.equal(rollouts.url('f'), null);
    assert.throws(() => rollouts.resolve('f', null).version, { name: 'ResourceNotFoundException' });
    assert.deepEqual([w.fleet.roster.count, w.fleet.residences.size], [0, 0]);
  });

  it('a removed function’s log goes once what it runs has written its last line', async () => {
    const { w, registry, rollouts, create, logsRemoved } = await opened({ behaviour: { initMs: 10, handler: () => ({ ms: 2_500 }) } });
    await create();
    const under = w.dispatcher.invoke(rollouts.resolve('f', null).version, w.invocation());
    await w.clock.advance(1_000);
    await registry.remove('f');
    await w.clock.advance(1_000);
    assert.deepEqual(logsRemoved, []);
    await w.clock.advance(10_000);
    assert.equal((await under).usage.outcome, 'ok');
    assert.deepEqual(logsRemoved, ['f']);
  });
});

describe('a version that is published with SnapStart', () => {
  const kept = { SnapStart: { ApplyOn: 'PublishedVersions' } };
  const NOT_READY = { code: 'SnapStartNotReadyException', status: 409 };

  it('is pending, and refused, until its snapshot is made', async () => {
    const { w, registry, rollouts, create, state } = await opened();
    await create({ kept });
    const published = await registry.publish('f');
    assert.deepEqual(state('1'), { status: 'InProgress' });
    assert.throws(() => rollouts.requireReady(published), NOT_READY);
    rollouts.requireReady(registry.get('f') as FunctionVersion);
    await w.clock.advance(3_000);
    assert.deepEqual(state('1'), { status: 'Successful' });
    rollouts.requireReady(published);
    assert.equal(w.fleet.residences.get(published.revisionId)?.state.kind, 'snapshot');
  });

  it('is there at once without it', async () => {
    const { registry, rollouts, create, state } = await opened();
    await create();
    rollouts.requireReady(await registry.publish('f'));
    assert.deepEqual(state('1'), { status: 'Successful' });
  });

  it('whose init phase fails says so, over a restart, until it works', async () => {
    const { w, registry, resources, rollouts, create, state } = await opened();
    await create({ kept });
    w.behaviour.initError = INIT_ERROR;
    const published = await registry.publish('f');
    await w.clock.advance(3_000);
    const failed = { status: 'Failed', reasonCode: 'FunctionError.RuntimeInitError', reason: 'Runtime.ImportModuleError: no module' };
    assert.deepEqual(state('1'), failed);
    rollouts.requireReady(published);
    const logs = { remove: async () => undefined } as unknown as FunctionLogs;
    const restarted = Rollouts.follow({ registry, resources, fleet: w.fleet, dispatcher: w.dispatcher, logs, log: createLogger('silent') });
    assert.deepEqual(restarted.state(published), failed);
    w.behaviour.initError = null;
    const call = w.dispatcher.invoke(published, w.invocation());
    await w.clock.advance(3_000);
    assert.equal((await call).error, null);
    assert.deepEqual(state('1'), { status: 'Successful' });
  });

  it('that is removed leaves no failure to one that comes after it', async () => {
    const { w, registry, resources, create } = await opened();
    const { functionId } = await create({ kept });
    w.behaviour.initError = INIT_ERROR;
    await registry.publish('f');
    await w.clock.advance(3_000);
    assert.notEqual(resources.get('version-failure', `${functionId}/1`), null);
    await registry.removeVersion('f', '1');
    await w.clock.advance(1);
    assert.equal(resources.get('version-failure', `${functionId}/1`), null);
  });
});
