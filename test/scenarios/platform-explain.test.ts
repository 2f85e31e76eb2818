import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deployFunction } from '../../src/cli/deployment.ts';
import { hearth } from '../../src/cli/testing/run-hearth.ts';
import type { Explanation } from '../../src/client/answers.ts';
import { DeployError } from '../../src/client/errors.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';

/** A handler's module that spins and imports another which spins too, in both languages. */
const CODE = {
  node: {
    'index.js': `const until = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
until(40);
require('./heavy.js');
exports.handler = async () => { until(20); return 'ok'; };\n`,
    'heavy.js': `const end = Date.now() + 60; while (Date.now() < end);\n`,
  },
  python: {
    'lambda_function.py': `import time
time.sleep(0.04)
import heavy
def lambda_handler(event, context):
    time.sleep(0.02)
    return "ok"\n`,
    'heavy.py': `import time\ntime.sleep(0.06)\n`,
  },
};

let server: TestServer;
let work: string;

before(async () => {
  server = await TestServer.start();
  work = mkdtempSync(join(tmpdir(), 'hearth-explain-'));
  for (const [language, files] of Object.entries(CODE)) {
    mkdirSync(join(work, language));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(work, language, name), text);
  }
});

after(async () => {
  rmSync(work, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
});

const named = (e: Explanation, of: string): string[] => e.waterfall.filter((s) => s.of === of).map((s) => s.name);
const spent = (e: Explanation, name: string): number => e.waterfall.filter((s) => s.name === name).reduce((sum, s) => sum + s.ms, 0);

/** Every step begins no earlier than the one before it ended, and the last ends with the answer. */
function assertWhole(e: Explanation): void {
  let atMs = 0;
  for (const step of e.waterfall) {
    assert.ok(step.ms >= 0 && step.atMs >= atMs - 0.01, JSON.stringify(e.waterfall));
    atMs = step.atMs + step.ms;
  }
  assert.ok(Math.abs(atMs - e.totalMs) < 0.01, `${atMs} of ${e.totalMs}`);
}

for (const { language, runtime, skip } of await languages()) {
  describe(`an invocation of a ${language} function, explained`, { skip }, () => {
    const name = `explained-${language}`;
    const manifest = { runtime, handler: handlerOf(language), snapshot: 'onFirstUse', scaling: { keepAlive: 600 } };
    const call = async (): Promise<Explanation> => server.client.explain((await server.call(name, {})).requestId ?? '');

    test('its first use names every step, the modules, and what to change', async () => {
      await server.deploy(name, join(work, language), manifest);
      const e = await call(); // at once: its record was not flushed by itself yet
      assertWhole(e);
      assert.deepEqual(named(e, 'snapshot').slice(-5), ['setUp', 'import', 'userInit', 'check', 'freeze']);
      assert.deepEqual(named(e, 'instance'), ['fork', 'connect', 'confine', 'greet']);
      assert.deepEqual(named(e, 'invocation'), ['queue', 'place', 'handler', 'reply']);
      assert.ok(spent(e, 'import') >= 59 && spent(e, 'userInit') >= 39 && spent(e, 'handler') >= 19, JSON.stringify(e.waterfall));
      assert.match(e.slowestModules.map((m) => m.name).join(), /heavy/);
      assert.equal(e.reason?.cause, 'deployed');
      assert.equal(e.advice[0]?.code, 'snapshot');
    });

    test('a warm call keeps a short one; a fork says that no instance was alive', async () => {
      const warm = await call();
      assertWhole(warm);
      assert.deepEqual([named(warm, 'invocation'), warm.waterfall.length, warm.reason], [['queue', 'handler', 'reply'], 3, null]);
      await server.client.evict(name, 'snapshot');
      const forked = await call();
      assertWhole(forked);
      assert.deepEqual([forked.coldRung, forked.reason?.cause, forked.slowestModules], ['snapshot', 'no_instance', []]);
      assert.deepEqual(named(forked, 'instance'), ['wait', 'fork', 'connect', 'confine', 'greet']);
      await server.client.evict(name, 'zygote');
      const evicted = await call();
      assert.deepEqual([evicted.coldRung, evicted.reason?.cause], ['zygote', 'evicted_asked']);
    });

    test('the command line draws the same, by request and by function', async () => {
      const env = { HEARTH_HOME: server.home, HEARTH_ENDPOINT: server.endpoint };
      const last = await hearth(['explain', name], { env });
      assert.equal(last.code, 0, last.stderr);
      assert.match(
        last.stdout,
        new RegExp(`^${name} \\$LATEST  ok in .*\\ncold, from zygote: its snapshot was evicted .* by hearth evict\\n`),
      );
      assert.match(last.stdout, /snapshot {2}.*\n(?:.*\n)*.*import +\d+\.\d ms {2} +█/);
      const { requestId } = await server.call(name, {});
      const warm = await hearth(['explain', requestId ?? ''], { env });
      assert.match(warm.stdout, /\nwarm: an instance was there\n/);
    });

    test('a budget below its init phase deploys nothing, and what served serves on', async () => {
      const before = (await server.client.functions()).find((f) => f.name === name);
      const declared = { name, folder: join(work, language), manifest: { ...manifest, memoryMb: 192 } };
      const tight = deployFunction(server.client, declared, { initBudgetMs: 50 }, () => {});
      await assert.rejects(tight, (error: unknown) => {
        assert.ok(error instanceof DeployError, String(error));
        assert.match(error.message, /the budget is 50 ms; slowest modules: .*heavy/);
        return error.errorType === 'InitBudgetExceeded';
      });
      const after = (await server.client.functions()).find((f) => f.name === name);
      assert.equal(after?.revisionId, before?.revisionId);
      assert.equal((await server.call(name, {})).value, 'ok');
      const wide = await deployFunction(server.client, declared, { initBudgetMs: 60_000 }, () => {});
      assert.notEqual(wide.revisionId, before?.revisionId);
    });
  });
}
