import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { HearthError } from '../../src/errors.ts';
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
    const prepared = await driver.prepare(spec, instanceSpec());
    assert.ok(prepared.kind === 'snapshot');
    await assert.rejects(
      driver.fork(prepared.snapshot, instanceSpec()).then((instance) => instance.kill()),
      (error) => error instanceof HearthError && error.code === 'ServiceException',
    );
    await prepared.snapshot.gone;
    victim.kill('SIGTERM');
    assert.deepEqual(await ended, [null, 'SIGTERM']);
  });
});
