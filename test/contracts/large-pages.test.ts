import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { until } from '../scenarios/until.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const STATE_MB = 64;

/** What of a process's memory lies in pages of 2 MB, MB. */
function inLargePages(pid: number): number {
  const kb = /^AnonHugePages:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
  return Number(kb) / 1024;
}

/** Pages of the C library's heap that are there, and of those the ones that hold nothing but zeros. */
function heapPages(pid: number): { there: number; empty: number } {
  const [memory, map] = [openSync(`/proc/${pid}/mem`, 'r'), openSync(`/proc/${pid}/pagemap`, 'r')];
  try {
    const page = Buffer.alloc(4096);
    const entry = Buffer.alloc(8);
    let [there, empty] = [0, 0];
    for (const [, from, to] of readFileSync(`/proc/${pid}/maps`, 'latin1').matchAll(/^([0-9a-f]+)-([0-9a-f]+) .*\[heap\]$/gm)) {
      for (let at = parseInt(from!, 16); at < parseInt(to!, 16); at += page.length) {
        readSync(map, entry, 0, entry.length, (at / page.length) * entry.length);
        if (entry[7]! >> 7 === 0) continue; // not present
        readSync(memory, page, 0, page.length, at);
        there++;
        if (page.every((byte) => byte === 0)) empty++;
      }
    }
    return { there, empty };
  } finally {
    closeSync(memory);
    closeSync(map);
  }
}

function whyNot(): string | false {
  if (!abilities.linux) return 'needs Linux';
  const enabled = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'latin1');
  if (!/\[(madvise|always)\]/.test(enabled)) return 'this system has no large pages for those who ask';
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const [, minor = '0'] = header.glibcVersionRuntime?.split('.') ?? [];
  return Number(minor) >= 35 ? false : 'needs glibc 2.35';
}

/** Of the process's own code, what is no file but lies in pages of 2 MB, MB. */
function codeInLargePages(pid: number): number {
  const areas = readFileSync(`/proc/${pid}/smaps`, 'latin1').matchAll(
    /^[0-9a-f]+-[0-9a-f]+ r-xp \S+ 00:00 0 *\n(?:\w+: .*\n)*?AnonHugePages:\s+(\d+) kB/gm,
  );
  return [...areas].reduce((sum, [, kb]) => sum + Number(kb) / 1024, 0);
}

for (const { language, runtime, missing } of await runtimes()) {
  describe(`large pages: ${language}`, { skip: missing ?? whyNot(), timeout: 60_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    it(
      'hold the code of Node.js in an instance, with the zygote’s',
      { skip: language === 'node' ? false : 'only Node.js can copy its code' },
      async () => {
        const prepared = await driver.prepare(behaviourSpec('echo', runtime), instanceSpec());
        assert.ok(prepared.kind === 'snapshot');
        const instance = await driver.fork(prepared.snapshot, instanceSpec());
        assert.ok(codeInLargePages(instance.pid!) > 10, `${codeInLargePages(instance.pid!)} MB`);
        await Promise.all([instance.kill(), prepared.snapshot.evict()]);
      },
    );

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

    it(
      'do not fill what is free in the heap of a snapshot',
      { skip: abilities.root ? false : "reads another process's memory" },
      async () => {
        const prepared = await driver.prepare(behaviourSpec('echo', runtime), instanceSpec());
        assert.ok(prepared.kind === 'snapshot');
        // it tidies its heap up while the answer that it is ready is on its way
        await until(() => {
          const { there, empty } = heapPages(prepared.snapshot.pid);
          return there > 100 && empty < there / 5;
        });
        await prepared.snapshot.evict();
      },
    );

    it('are asked for by a variable that functions do not see', async () => {
      const instance = await driver.start(behaviourSpec('looks-around', runtime), instanceSpec());
      const answer = await instance.invoke(invocation({ exists: [] }), farDeadlineMs());
      const { environment } = JSON.parse(answer.body.toString()) as { environment: string[] };
      assert.ok(environment.length > 0 && !environment.includes('GLIBC_TUNABLES'), environment.join());
      await instance.kill();
    });
  });
}
