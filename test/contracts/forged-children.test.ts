import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { HearthError } from '../../src/errors.ts';
import type { DriverSnapshot, Prepared } from '../../src/fleet/driver.ts';
import { childrenOf } from '../../src/supervisor/process-tree.ts';
import { instanceSpec } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const [node] = await runtimes();

describe('a snapshot that names a process as its child', { skip: abilities.linux ? false : 'needs Linux', timeout: 60_000 }, () => {
  let driver: ForkDriver;
  before(async () => (driver = await openForkDriver()));
  after(() => driver.close());

  it('which is not: the fork fails, the snapshot ends, and the process named is left alone', async () => {
    const victim = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const ended = once(victim, 'exit');
    const spec = behaviourSpec('names-another', node!.runtime, { environment: { VICTIM: String(victim.pid) } });
    const snapshot = snapshotOf(await driver.prepare(spec, instanceSpec()));
    await refusesToFork(driver, snapshot);
    await snapshot.gone;
    victim.kill('SIGTERM');
    assert.deepEqual(await ended, [null, 'SIGTERM']);
  });

  it('which nobody is yet: the fork fails, the child that it made is ended, and the snapshot may try again', async () => {
    const { pid } = spawnSync('true'); // has ended
    const spec = behaviourSpec('names-another', node!.runtime, { environment: { VICTIM: String(pid) } });
    const snapshot = snapshotOf(await driver.prepare(spec, instanceSpec()));
    for (let times = 0; times < 2; times++) {
      await refusesToFork(driver, snapshot);
      await leavesNothing(snapshot);
    }
    await snapshot.evict();
  });
});

describe(
  'a snapshot whose children greet with what is no greeting',
  { skip: abilities.linux ? false : 'needs Linux', timeout: 60_000 },
  () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    it('the fork fails, and nothing is left of the child', async () => {
      const snapshot = snapshotOf(await driver.prepare(behaviourSpec('greets-wrongly', node!.runtime), instanceSpec()));
      await refusesToFork(driver, snapshot);
      await leavesNothing(snapshot);
      await snapshot.evict();
    });
  },
);

function snapshotOf(prepared: Prepared): DriverSnapshot {
  assert.ok(prepared.kind === 'snapshot');
  return prepared.snapshot;
}

async function refusesToFork(driver: ForkDriver, snapshot: DriverSnapshot): Promise<void> {
  await assert.rejects(
    driver.fork(snapshot, instanceSpec()).then((instance) => instance.kill()),
    (error) => error instanceof HearthError && error.code === 'ServiceException',
  );
}

/** The test's own limit is the only one. */
async function leavesNothing({ pid }: DriverSnapshot): Promise<void> {
  while (childrenOf(pid).length > 0) await sleep(5);
}
