import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const STATE_MB = 64;

/** What of a process's memory lies in pages of 2 MB, MB. */
function inLargePages(pid: number): number {
  const kb = /^AnonHugePages:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
  return Number(kb) / 1024;
}

function whyNot(): string | false {
  if (!abilities.linux) return 'needs Linux';
  const enabled = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'latin1');
  if (!/\[(madvise|always)\]/.test(enabled)) return 'this system has no large pages for those who ask';
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const [, minor = '0'] = header.glibcVersionRuntime?.split('.') ?? [];
  return Number(minor) >= 35 ? false : 'needs glibc 2.35';
}

for (const { language, runtime, missing } of await runtimes()) {
  describe(`large pages: ${language}`, { skip: missing ?? whyNot(), timeout: 60_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    it('hold what a snapshot keeps, and not what its instances need beside it', async () => {
      const prepared = await driver.prepare(behaviourSpec('holds-memory', runtime), instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      const { snapshot } = prepared;
      assert.ok(inLargePages(snapshot.pid) > STATE_MB * 0.9, `${inLargePages(snapshot.pid)} MB`);
      const instance = await driver.fork(snapshot, instanceSpec());
      const shared = inLargePages(instance.pid!);
      const answer = await instance.invoke(invocation({}), farDeadlineMs());
      assert.equal(answer.body.toString(), String(STATE_MB * 1024 * 1024 + 1));
      assert.ok(inLargePages(instance.pid!) <= shared, `${inLargePages(instance.pid!)} MB of ${shared} MB`);
      await Promise.all([instance.kill(), snapshot.evict()]);
    });

    it('are asked for by a variable that functions do not see', async () => {
      const instance = await driver.start(behaviourSpec('looks-around', runtime), instanceSpec());
      const answer = await instance.invoke(invocation({ exists: [] }), farDeadlineMs());
      const { environment } = JSON.parse(answer.body.toString()) as { environment: string[] };
      assert.ok(environment.length > 0 && !environment.includes('GLIBC_TUNABLES'), environment.join());
      await instance.kill();
    });
  });
}
