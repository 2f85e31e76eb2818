import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const INSTANCES = 20;
/** How long idleness is watched, ms: longer than any timer of a runtime that was seen to fire in an idle process. */
const WATCHED_MS = 2_000;

/** How often a process's threads were put on a CPU so far. */
const runs = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[2]),
    0,
  );

for (const { language, runtime, missing } of await runtimes()) {
  describe(`idle instances: ${language}`, { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 60_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    it('do not run at all, even before they are stopped', async () => {
      const prepared = await driver.prepare(behaviourSpec('echo', runtime), instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      const instances = await Promise.all(Array.from({ length: INSTANCES }, () => driver.fork(prepared.snapshot, instanceSpec())));
      for (const instance of instances) await instance.invoke(invocation({ a: 1 }), farDeadlineMs());
      await sleep(200); // what an answer leaves to be done
      const pids = [prepared.snapshot.pid, ...instances.map((i) => i.pid!)];
      const before = pids.map(runs);
      await sleep(WATCHED_MS);
      assert.deepEqual(pids.map(runs), before);
      await Promise.all([...instances.map((i) => i.kill()), prepared.snapshot.evict()]);
    });
  });
}
