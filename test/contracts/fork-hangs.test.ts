import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import type { StartSpec } from '../../src/fleet/driver.ts';
import { Residence } from '../../src/fleet/residence.ts';
import type { Started } from '../../src/fleet/residence.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { childrenOf } from '../../src/supervisor/process-tree.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

for (const { language, runtime, missing } of await runtimes()) {
  describe(`children that hang: ${language}`, { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 60_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver({ greetingMs: 1_500 })));
    after(() => driver.close());

    const residenceOf = (environment: Record<string, string>): { residence: Residence; start: () => Promise<Started> } => {
      const spec: StartSpec = behaviourSpec('hangs-when-forked', runtime, { environment });
      const residence = new Residence(spec.version, driver, { clock: systemClock, observer: { made: () => {}, gone: () => {} } });
      return { residence, start: () => residence.start(async () => spec, instanceSpec()) };
    };
    const answers = async ({ instance }: Started): Promise<unknown> => {
      const { body } = await instance.invoke(invocation({ a: 1 }), farDeadlineMs());
      await instance.kill();
      return JSON.parse(body.toString());
    };

    it('one is killed and replaced; nobody who called sees it', async () => {
      const { residence, start } = residenceOf({ ONCE: '1' });
      const started = await Promise.all([start(), start(), start()]);
      for (const one of started) assert.deepEqual(await answers(one), { a: 1 });
      assert.ok(residence.state.kind === 'snapshot');
      assert.equal(residence.failedForks, 1);
      assert.deepEqual(childrenOf(residence.state.snapshot.pid), [], 'what hung is gone');
      await residence.retire();
    });

    it('all of them: the version is started plainly, and says why', async () => {
      const { residence, start } = residenceOf({});
      const [first, second] = [await start(), await start()];
      assert.deepEqual([first.rung, second.rung], ['zygote', 'zygote']);
      assert.deepEqual([await answers(first), await answers(second)], [{ a: 1 }, { a: 1 }]);
      assert.ok(residence.state.kind === 'plain');
      assert.match(residence.state.reason, /did not come up \(a process did not greet within 1500 ms/);
      assert.equal(residence.failedForks, 4);
    });
  });
}
