import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import type { DriverSnapshot } from '../../src/fleet/driver.ts';
import { pythonLibraries } from '../scenarios/library-packages.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const INSTANCES = 1_000;
/** Alive at once: so many that some overlap, so few that any machine bears them. */
const AT_ONCE = 50;

for (const { language, runtime, missing } of await runtimes()) {
  describe(`uniqueness: ${language}`, { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 180_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver({ greetingMs: 30_000 })));
    after(() => driver.close());

    it(`of ${INSTANCES} instances of one snapshot no two share anything random, nor a name`, async (t) => {
      const libraries = language === 'python' ? await pythonLibraries() : null;
      if (libraries?.missing) t.diagnostic(`without numpy: ${libraries.missing}`);
      const spec = { ...behaviourSpec('unique', runtime), dependencyRoot: libraries?.root ?? null };
      const prepared = await driver.prepare(spec, instanceSpec());
      assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
      const seen = await all(driver, prepared.snapshot);
      const kinds = Object.keys(seen[0]!);
      if (libraries?.root) assert.ok(kinds.includes('numpy generator'));
      assert.ok(kinds.length >= 11);
      for (const kind of kinds) {
        if (kind === 'hostname' && abilities.noUserNamespaces !== null) continue; // then it is the machine's
        // A pid may be used again by the kernel once its process is gone.
        if (kind === 'pid') continue;
        assert.equal(new Set(seen.map((answers) => answers[kind])).size, INSTANCES, kind);
      }
      await prepared.snapshot.evict();
    });
  });
}

/** What each instance answers, a few alive at a time. */
async function all(driver: ForkDriver, snapshot: DriverSnapshot): Promise<Record<string, unknown>[]> {
  const seen: Record<string, unknown>[] = [];
  const living = new Map<unknown, number>();
  const one = async (): Promise<void> => {
    for (let left = INSTANCES / AT_ONCE; left > 0; left--) {
      const instance = await driver.fork(snapshot, { ...instanceSpec(), logStream: `2026/11/22/[$LATEST]${randomUUID()}` });
      const answer = JSON.parse((await instance.invoke(invocation({}), farDeadlineMs())).body.toString()) as Record<string, unknown>;
      assert.equal(answer['pid'], String(instance.pid), 'an instance knows its own pid');
      assert.equal(living.has(answer['pid']), false, 'no two living instances have one pid');
      living.set(answer['pid'], instance.pid!);
      seen.push(answer);
      await instance.kill();
      living.delete(answer['pid']);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return seen;
}
