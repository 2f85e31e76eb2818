import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rollouts } from '../../src/composition/rollouts.ts';
import { FunctionRegistry } from '../../src/control/registry.ts';
import { Resources } from '../../src/control/resources.ts';
import { TestFunctionStore } from '../../src/control/testing/function-store.ts';
import { randomIds } from '../../src/lib/ids.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import type { FunctionLogs } from '../../src/observe/function-logs.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { version, world } from './world.ts';

const INIT_ERROR = { errorType: 'Runtime.ImportModuleError', errorMessage: 'no module' };

/** A server on what an earlier one left in the store, as it is before it listens. */
async function started(store: TestFunctionStore, behaviour: Parameters<typeof world>[0] = {}) {
  const w = world({ behaviour: { initMs: 1_500 }, ...behaviour });
  const scope = { accountId: '000000000000', region: 'us-east-1' };
  const resources = await Resources.load(store.resources, scope);
  const registry = await FunctionRegistry.load({ store, resources, clock: w.clock, ids: randomIds, random: () => 0.5, scope });
  const logs = { remove: async () => {} } as unknown as FunctionLogs;
  const rollouts = Rollouts.follow({ registry, resources, fleet: w.fleet, dispatcher: w.dispatcher, logs, log: createLogger('silent') });
  const served = (): string => rollouts.resolve('f', null).version.revisionId;
  const latest = (): FunctionVersion => registry.get('f') as FunctionVersion;
  const notes = (): number => resources.list('rollout').length;
  return { w, registry, rollouts, served, latest, notes, state: () => rollouts.state(latest()).status };
}

/** A store in which a function's new revision was being tried when the server was killed, and that server. */
async function killed() {
  const store = new TestFunctionStore();
  const server = await started(store);
  const { w, registry, rollouts, notes } = server;
  const { functionId: _1, accountId: _2, region: _3, name: _4, version: _5, revisionId: _6, modifiedAtMs: _7, ...settings } = version();
  const old = await registry.create('f', { ...settings, snapshot: 'onDeploy' });
  const { ready } = rollouts.ready(old);
  await w.clock.advance(3_000);
  await ready;
  const tried = await registry.update('f', () => ({ environment: { A: '2' } }));
  await w.clock.advance(100);
  assert.equal(notes(), 1);
  return { store, old, tried, server };
}

describe('a server that is started after one was killed in the middle of a change', () => {
  it('serves what worked until what is new has run its init phase, which may call the server', async () => {
    const { store, old, tried } = await killed();
    const next = await started(store);
    await next.w.clock.advance(5_000);
    assert.deepEqual([next.served(), next.state()], [old.revisionId, 'InProgress'], 'nothing is tried before it can be reached');
    assert.ok(next.rollouts.inUse().code.has(old.codeSha256));
    next.rollouts.listening();
    await next.w.clock.advance(1_000);
    assert.deepEqual([next.served(), next.rollouts.isTaking(tried)], [old.revisionId, true]);
    await next.w.clock.advance(3_000);
    assert.deepEqual([next.served(), next.state(), next.notes()], [tried.revisionId, 'Successful', 0]);
    assert.equal((await started(store)).served(), tried.revisionId);
  });

  it('or ended in order, which ends init phases as well: that is no failure of theirs', async () => {
    const { store, old, tried, server } = await killed();
    const { taking, ready } = server.rollouts.ready(tried);
    const told = assert.rejects(ready, { code: 'ServiceUnavailable', message: /tried again when the server is started/ });
    server.rollouts.end();
    server.w.behaviour.initError = INIT_ERROR; // as it looks from here
    await server.w.clock.advance(5_000);
    await told;
    assert.deepEqual([taking, server.rollouts.isTaking(tried), server.served(), server.notes()], [true, true, old.revisionId, 1]);
    const next = await started(store);
    next.rollouts.listening();
    await next.w.clock.advance(5_000);
    assert.deepEqual([next.served(), next.state(), next.notes()], [tried.revisionId, 'Successful', 0]);
  });

  it('undoes it where its init phase fails', async () => {
    const { store, old } = await killed();
    const next = await started(store);
    next.w.behaviour.initError = INIT_ERROR;
    next.rollouts.listening();
    await next.w.clock.advance(5_000);
    assert.deepEqual([next.served(), next.state(), next.latest(), next.notes()], [old.revisionId, 'Failed', old, 0]);
    assert.deepEqual(
      (await store.all()).map((v) => v.revisionId),
      [old.revisionId],
    );
  });

  it('undoes it untried where every server before it ended with its init phase', async () => {
    const { store, old } = await killed();
    for (let kills = 0; kills < 2; kills++) {
      const again = await started(store);
      again.rollouts.listening();
      await again.w.clock.advance(100);
    }
    const last = await started(store);
    last.rollouts.listening();
    await last.w.clock.advance(100);
    assert.deepEqual([last.served(), last.state(), last.latest()], [old.revisionId, 'Failed', old]);
  });

  it('has what a change that came meanwhile wanted, and forgets it with the function', async () => {
    const { store, old } = await killed();
    const next = await started(store);
    const later = await next.registry.update('f', () => ({ environment: { A: '3' } }));
    await next.w.clock.advance(5_000);
    assert.deepEqual([next.served(), next.notes()], [later.revisionId, 0]);
    next.rollouts.listening();
    await next.w.clock.advance(5_000);
    assert.equal(next.served(), later.revisionId);
    assert.notEqual(old.revisionId, later.revisionId);
    const other = await killed();
    const removing = await started(other.store);
    await removing.registry.remove('f');
    removing.rollouts.listening();
    await removing.w.clock.advance(5_000);
    assert.deepEqual([removing.registry.get('f'), removing.notes()], [null, 0]);
  });
});
