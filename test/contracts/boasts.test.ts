import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { InitFailure } from '../../src/fleet/driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const [node] = await runtimes();

/** What is metered has to be a figure that a record of usage can have, and never more than was seen. */
describe('a function that says what it likes of what it used', { timeout: 60_000 }, () => {
  let driver: ForkDriver;
  before(async () => (driver = await openForkDriver()));
  after(() => driver.close());

  for (const [figure, most] of [
    ['-1e400', { bytes: 0, share: 0 }],
    ['1e400', { bytes: totalmem(), share: 1 }],
    ['-7', { bytes: 0, share: 0 }],
  ] as const) {
    it(`${figure}: its init phase and its answers have a figure that can be`, async () => {
      const from = performance.now();
      const spec = behaviourSpec('boasts', node!.runtime, { environment: { FIGURE: figure } });
      const instance = await driver.start(spec, instanceSpec());
      const tookMs = performance.now() - from;
      const answer = await instance.invoke(invocation({}), farDeadlineMs());
      await instance.kill();
      const initMs = instance.init!.durationMs;
      assert.ok(initMs >= 0 && initMs <= tookMs * most.share, `${initMs} ms`);
      assert.ok(Number.isSafeInteger(answer.handlerMs) && answer.handlerMs >= 0);
      assert.equal(answer.peakMemoryBytes, most.bytes);
    });

    it(`${figure}: an init phase that fails has one, too`, async () => {
      const from = performance.now();
      const spec = behaviourSpec('boasts', node!.runtime, { environment: { FIGURE: figure, INIT: 'fails' } });
      const failure = await driver.start(spec, instanceSpec()).catch((error: unknown) => error);
      assert.ok(failure instanceof InitFailure && failure.body.toString().includes('on purpose'));
      assert.ok(failure.durationMs >= 0 && failure.durationMs <= (performance.now() - from) * most.share, `${failure.durationMs} ms`);
    });
  }
});
