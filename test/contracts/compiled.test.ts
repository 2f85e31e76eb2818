import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DriverInstance } from '../../src/fleet/driver.ts';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const node = (await runtimes()).find(({ language }) => language === 'node');

async function told(instance: DriverInstance): Promise<unknown> {
  const answer = await instance.invoke(invocation({}), farDeadlineMs());
  assert.equal(answer.errorType, null, answer.body.toString());
  await instance.kill();
  return JSON.parse(answer.body.toString());
}

describe('functions that init only defines', { skip: node!.missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 60_000 }, () => {
  let driver: ForkDriver;
  before(async () => (driver = await openForkDriver()));
  after(() => driver.close());
  const code = () => behaviourSpec('compiled', node!.runtime);

  it('are compiled in a snapshot, for all its instances, which compile on call again', async () => {
    const prepared = await driver.prepare(code(), instanceSpec());
    assert.ok(prepared.kind === 'snapshot');
    assert.deepEqual(await told(await driver.fork(prepared.snapshot, instanceSpec())), { init: true, fresh: false });
    await prepared.snapshot.evict();
  });

  it('are compiled on call where each instance has an init phase of its own', async () => {
    assert.deepEqual(await told(await driver.start(code(), instanceSpec())), { init: false, fresh: false });
  });
});

describe('what V8 optimised during init', { skip: node!.missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 60_000 }, () => {
  let driver: ForkDriver;
  before(async () => (driver = await openForkDriver()));
  after(() => driver.close());

  it('is not thrown away in each instance when native code makes its first Buffer', async () => {
    const prepared = await driver.prepare(behaviourSpec('optimised', node!.runtime), instanceSpec());
    assert.ok(prepared.kind === 'snapshot');
    assert.deepEqual(await told(await driver.fork(prepared.snapshot, instanceSpec())), { optimised: true, still: true });
    await prepared.snapshot.evict();
  });
});
