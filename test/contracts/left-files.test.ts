import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { release } from 'node:os';
import { describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import type { DriverInstance } from '../../src/fleet/driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

interface Found {
  readonly names: readonly string[];
  readonly mode: string;
  readonly diary: string;
}

const FOUND = { mode: '0o1777', 'model/part/weights': 'weights', settings: 'settings', link: 'settings', diary: 'init' };
const NAMES = ['diary', 'link', 'model', 'settings'];

const [major, minor] = release().split('.').map(Number);
/** File systems in memory have what it takes to remove a directory of init's. */
const REMOVES = major! > 6 || (major === 6 && minor! >= 6);
/** What instances have to see of Hearth's own then lies in /tmp, and nothing can be laid over that. */
const WITHIN = import.meta.dirname.startsWith('/tmp/');

for (const { language, runtime, missing } of await runtimes()) {
  const unable = abilities.linux ? abilities.noUserNamespaces : 'needs Linux';
  describe(`what init left in /tmp: ${language}`, { skip: missing ?? unable ?? false, timeout: 60_000 }, () => {
    const ask = async (instance: DriverInstance, event: unknown): Promise<Found> => {
      const { errorType, body } = await instance.invoke(invocation(event), farDeadlineMs());
      assert.equal(errorType, null, body.toString());
      return JSON.parse(body.toString()) as Found;
    };
    const two = async (driver: ForkDriver): Promise<[DriverInstance, DriverInstance]> => {
      const prepared = await driver.prepare(behaviourSpec('fills-tmp', runtime), instanceSpec());
      assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
      const fork = (): Promise<DriverInstance> => driver.fork(prepared.snapshot, instanceSpec());
      return Promise.all([fork(), fork()]);
    };

    it(
      'is in each instance, which changes only its own',
      { skip: WITHIN ? 'this copy of Hearth lies in /tmp' : REMOVES ? false : 'needs Linux 6.6' },
      async (t) => {
        const driver = await openForkDriver();
        t.after(() => driver.close());
        const [one, other] = await two(driver);
        assert.deepEqual(await ask(one, { change: true }), { names: NAMES, ...FOUND });
        const { names, diary } = await ask(one, {});
        assert.deepEqual([names, diary], [['diary', 'link', 'own', 'settings'], 'init changed']);
        assert.deepEqual(await ask(other, {}), { names: NAMES, ...FOUND });
      },
    );

    it('can be read where no overlay can be had, as when something else of the machine is visible in /tmp', async (t) => {
      const driver = await openForkDriver({ runDirectory: mkdtempSync('/tmp/hearth-test-') });
      t.after(() => driver.close());
      const [one, other] = await two(driver);
      for (const instance of [one, other]) {
        const { names, ...found } = await ask(instance, {});
        assert.deepEqual(found, FOUND);
        assert.deepEqual(
          NAMES.filter((name) => !names.includes(name)),
          [],
        );
      }
    });
  });
}
