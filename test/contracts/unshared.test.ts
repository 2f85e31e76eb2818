import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const INSTANCES = 12;
/** Of 10^6 bytes. Seen with Node.js 20 and Python 3.11: 1.7 each. */
const MOST_MB = { node: 1.9, python: 2.2 };

/** Pages that nobody else has, MB of 10^6 bytes. */
function privateMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const kb = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map((match) => Number(match[1]));
  return (kb.reduce((sum, value) => sum + value, 0) * 1024) / 1e6;
}

for (const { language, runtime, missing } of await runtimes()) {
  describe(`unshared memory: ${language}`, { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 60_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    it('of an instance after its first call is little, and no more after many', async (t) => {
      const prepared = await driver.prepare(behaviourSpec('echo', runtime), instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      const instances = await Promise.all(Array.from({ length: INSTANCES }, () => driver.fork(prepared.snapshot, instanceSpec())));
      const figures = async (): Promise<number[]> => {
        for (const instance of instances) await instance.invoke(invocation({ a: 1 }), farDeadlineMs());
        // The youngest alone has pages that its parent has written anew since.
        return instances.map(({ pid }) => privateMb(pid!)).toSorted((a, b) => a - b);
      };
      const first = (await figures())[INSTANCES / 2]!;
      t.diagnostic(`${first.toFixed(2)} MB after one call`);
      assert.ok(first <= MOST_MB[language], `${first} MB`);
      for (let calls = 1; calls < 60; calls++) await figures();
      const last = (await figures())[INSTANCES / 2]!;
      t.diagnostic(`${last.toFixed(2)} MB after 61`);
      assert.ok(last <= first + 0.5, `${first} MB, then ${last} MB`);
      await Promise.all([...instances.map((i) => i.kill()), prepared.snapshot.evict()]);
    });
  });
}
