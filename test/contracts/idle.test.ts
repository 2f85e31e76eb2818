import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { until } from '../scenarios/until.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const INSTANCES = 20;
/** How long idleness is watched, ms: longer than any timer of a runtime that was seen to fire in an idle process. */
const WATCHED_MS = 2_000;
/** Of 100 MB that the test's function works with. */
const NEEDED_MB = 90;

/** How often a process's threads were put on a CPU so far. */
const runs = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[2]),
    0,
  );

/** What of a process's memory is in no file, MB. */
const heldMb = (pid: number): number =>
  (Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024) / 1e6;

const state = (pid: number): string | undefined => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0];

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

    it('stopped, give back what their calls needed and are stopped again', async () => {
      const instance = await driver.start(behaviourSpec('heavy', runtime), instanceSpec());
      const pid = instance.pid!;
      const light = heldMb(pid);
      await instance.invoke(invocation({}), farDeadlineMs());
      assert.ok(heldMb(pid) > light + NEEDED_MB, 'there was nothing to give back');
      instance.pause();
      assert.ok(heldMb(pid) > light + NEEDED_MB, 'a call that comes at once finds nothing of it');
      await until(() => heldMb(pid) < light + NEEDED_MB / 2 && state(pid) === 'T');
      await instance.invoke(invocation({}), farDeadlineMs());
      assert.ok(heldMb(pid) > light + NEEDED_MB);
      await instance.kill();
    });
  });
}
