import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { InitFailure, type Driver, type StartSpec } from '../../src/fleet/driver.ts';
import { countsApart, mostCoreBytes } from '../../src/sandbox/rlimits.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

const noMounts = abilities.root ? abilities.noMounts : abilities.noUserNamespaces;

for (const { language, runtime, missing } of await runtimes()) {
  const skip = missing ?? (process.platform === 'linux' ? false : 'confining needs Linux');
  describe(`what a function finds where Lambda has it: ${language}`, { skip, timeout: 60_000 }, () => {
    let driver: Driver;
    let layersRoot: string;
    before(async () => {
      driver = await openForkDriver();
      layersRoot = mkdtempSync(join(tmpdir(), 'hearth-layers-'));
      chmodSync(layersRoot, 0o755);
      mkdirSync(join(layersRoot, 'data'));
      writeFileSync(join(layersRoot, 'data/word.txt'), 'from a layer');
      const script = (name: string, text: string): void => writeFileSync(join(layersRoot, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      script('wrapper', 'echo "wrapping $#"\nexport WORD=wrapped\nexec "$@"');
      script('exits', 'exit 3');
      writeFileSync(join(layersRoot, 'no-program'), '', { mode: 0o644 });
    });
    after(async () => {
      await driver.close();
      rmSync(layersRoot, { recursive: true, force: true });
    });

    const spec = (wrapper: string | null): StartSpec => {
      const environment: Record<string, string> = { OWN: 'own', ...(wrapper === null ? {} : { AWS_LAMBDA_EXEC_WRAPPER: wrapper }) };
      const plain = behaviourSpec('layout', runtime, { environment });
      return { ...plain, layersRoot, environment: { ...plain.environment, ...environment } };
    };
    const seenBy = async (instance: { invoke: Awaited<ReturnType<Driver['start']>>['invoke'] }): Promise<Record<string, unknown>> => {
      const { errorType, body } = await instance.invoke(invocation({}), farDeadlineMs());
      assert.equal(errorType, null, body.toString());
      return JSON.parse(body.toString()) as Record<string, unknown>;
    };
    const file = language === 'node' ? 'index.mjs' : 'lambda_function.py';

    it(
      '/opt has the layers, /var/task the code, in forked instances too; nothing of it can be written',
      { skip: noMounts ?? false },
      async () => {
        const prepared = await driver.prepare(spec(null), instanceSpec());
        assert.ok(prepared.kind === 'snapshot', prepared.kind === 'instance' ? prepared.reason : '');
        const instance = await driver.fork(prepared.snapshot, instanceSpec());
        const seen = await seenBy(instance);
        assert.deepEqual([seen['opt'], seen['runtime'], seen['rest']], ['from a layer', true, true]);
        assert.ok((seen['task'] as string[]).includes(file), String(seen['task']));
        for (const code of (seen['write'] as string[] | undefined) ?? []) assert.match(code, /^(EROFS|EACCES)$/);
        await prepared.snapshot.evict();
      },
    );

    it('as many files and processes as on Lambda', { skip: abilities.noUserNamespaces ?? false }, async () => {
      const prepared = await driver.prepare(spec(null), instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      const seen = await seenBy(await driver.fork(prepared.snapshot, instanceSpec()));
      assert.equal(seen['files'], '1024');
      if (countsApart(release())) assert.equal(seen['processes'], '742');
      const [core, filter] = seen['core'] as [string, string];
      const allowed = Math.min(10_737_418_240, mostCoreBytes(readFileSync('/proc/self/limits', 'utf8')));
      assert.equal(core, abilities.ids === null ? '0' : String(allowed));
      if (core !== '0') assert.equal(Number.parseInt(filter, 16), 0, 'nothing of its memory may be in a core file');
      await prepared.snapshot.evict();
    });

    it('a wrapper script starts the runtime: what it exports counts, each instance runs it, and the reason is told', async () => {
      const first = instanceSpec();
      const prepared = await driver.prepare(spec('/opt/wrapper'), first);
      assert.ok(prepared.kind === 'instance');
      assert.match(prepared.reason, /^AWS_LAMBDA_EXEC_WRAPPER: /);
      assert.equal(prepared.instance.init?.unforkable, prepared.reason);
      const seen = await seenBy(prepared.instance);
      assert.deepEqual([seen['word'], seen['own'], typeof seen['taskRoot']], ['wrapped', 'own', 'string']);
      assert.ok(
        first.lines.some(([id, text]) => id === null && /^wrapping [3-9]$/.test(text)),
        JSON.stringify(first.lines),
      );
      const another = await driver.start(spec('/opt/wrapper'), instanceSpec());
      assert.notEqual(another.pid, prepared.instance.pid);
      assert.equal((await seenBy(another))['word'], 'wrapped');
      assert.equal((await another.kill()).signal, 'SIGKILL');
      assert.equal((await prepared.instance.kill()).signal, 'SIGKILL');
    });

    for (const [wrapper, status] of [
      ['/opt/nowhere', 127],
      ['/opt/no-program', 126],
      ['/opt/exits', 3],
    ] as const) {
      it(`${wrapper} fails the init phase with exit status ${status}`, async () => {
        await assert.rejects(driver.start(spec(wrapper), instanceSpec()), (error: unknown) => {
          assert.ok(error instanceof InitFailure, String(error));
          const { errorType, errorMessage } = JSON.parse(error.body.toString()) as Record<string, string>;
          assert.equal(errorType, 'Runtime.ExitError');
          assert.match(errorMessage ?? '', new RegExp(`^RequestId: \\S+ Error: Runtime exited with error: exit status ${status}$`));
          return true;
        });
      });
    }
  });
}
