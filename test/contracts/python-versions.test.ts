import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeName } from '../../src/runtimes/catalogue.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, catalogue, openForkDriver } from './fork-driver-subject.ts';

const installed = new Set((await catalogue.list('python')).map(runtimeName));

describe('every Python that is offered', { skip: abilities.linux ? false : 'needs Linux', timeout: 60_000 }, () => {
  for (const runtime of installed) {
    it(`runs functions, forked: ${runtime}`, async (t) => {
      const driver = await openForkDriver();
      t.after(() => driver.close());
      const prepared = await driver.prepare(behaviourSpec('echo', runtime), instanceSpec());
      assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
      const instance = await driver.fork(prepared.snapshot, instanceSpec());
      const { errorType, body } = await instance.invoke(invocation({ a: 1 }), farDeadlineMs());
      assert.deepEqual([errorType, JSON.parse(body.toString())], [null, { a: 1 }]);
    });
  }
});
