import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import type { StartSpec } from '../../src/fleet/driver.ts';
import { nodeLibraries, pythonLibraries } from '../scenarios/library-packages.ts';
import type { Packages } from '../scenarios/packages.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes, type TestLanguage } from './fork-driver-subject.ts';

interface Seen {
  readonly result: unknown;
  readonly cpus: number;
  readonly threads: number;
  readonly variable: string | null;
}

/** What a library answers; how a function makes it start threads, and what it is then told. */
interface Library {
  readonly name: string;
  readonly result: unknown;
  readonly threads?: { readonly reason: RegExp };
}

const LIBRARIES: Readonly<Record<TestLanguage, readonly Library[]>> = {
  node: [
    {
      name: 'onnxruntime',
      result: [-1, -2, -3, -4],
      threads: { reason: /^onnxruntime-node started \d+ worker threads? during init, .*\(create its sessions with intraOpNumThreads: 1/ },
    },
    { name: 'sharp', result: 192, threads: { reason: /^sharp started \d+ worker threads? during init, .*use it in the handler only\)$/ } },
  ],
  python: [
    { name: 'numpy', result: 27_000_000 },
    {
      name: 'onnxruntime',
      result: [-1, -2, -3, -4],
      threads: { reason: /^onnxruntime started \d+ worker threads? during init, .*: set intra_op_num_threads = 1/ },
    },
    {
      name: 'cv2',
      result: [400, 400, 3],
      threads: { reason: /^cv2 started \d+ worker threads? during init, .*: call cv2\.setNumThreads\(1\)/ },
    },
    { name: 'PIL', result: [8, 8] },
    { name: 'torch', result: 27_000_000, threads: { reason: /worker thread.* during init/ } },
  ],
};

/** Only where the machine's own Python has it: PyPI has no build without CUDA. */
function torchIsMissing(): string | null {
  try {
    execFileSync('python3', ['-c', 'import torch'], { stdio: 'ignore' });
    return null;
  } catch {
    return "this machine's python3 has no torch, and PyPI has none without CUDA";
  }
}

for (const { language, runtime, missing } of await runtimes()) {
  describe(
    `libraries that like threads: ${language}`,
    { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 230_000 },
    () => {
      let driver: ForkDriver;
      let packages: Packages;
      before(async () => {
        driver = await openForkDriver();
        packages = await (language === 'node' ? nodeLibraries() : pythonLibraries());
      });
      after(() => driver.close());

      for (const { name, result, threads } of LIBRARIES[language]) {
        const absent = (): string | null => (name === 'torch' ? torchIsMissing() : packages.missing);
        const spec = (mode: string): StartSpec => ({
          ...behaviourSpec('libraries', runtime, { environment: { LIBRARY: name, MODE: mode } }),
          dependencyRoot: name === 'torch' ? null : packages.root,
        });

        it(`${name} starts none by default: it is forked, works, and has all CPUs`, async (t) => {
          const reason = absent();
          if (reason !== null) return t.skip(reason);
          const prepared = await driver.prepare(spec(''), instanceSpec());
          assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
          const [one, two] = [await driver.fork(prepared.snapshot, instanceSpec()), await driver.fork(prepared.snapshot, instanceSpec())];
          for (const instance of [one, two]) {
            const seen = JSON.parse((await instance.invoke(invocation({}), farDeadlineMs())).body.toString()) as Seen;
            assert.deepEqual(seen.result, result);
            assert.equal(seen.cpus, availableParallelism());
            assert.equal(seen.variable, null, 'the variables of the init phase are gone');
            if (language === 'python') assert.equal(seen.threads, 1);
            await instance.kill();
          }
          await prepared.snapshot.evict();
        });

        if (name === 'sharp') {
          it('sharp is forked after a rehearsal that used it: its threads, which leave when idle, are waited for', async (t) => {
            const reason = absent();
            if (reason !== null) return t.skip(reason);
            const { version, ...rest } = spec('');
            const prepared = await driver.prepare(
              { ...rest, version: { ...version, rehearsal: '{}' }, initTimeoutMs: 60_000 },
              instanceSpec(),
            );
            assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
            const instance = await driver.fork(prepared.snapshot, instanceSpec());
            const answer = await instance.invoke(invocation({}), farDeadlineMs());
            assert.deepEqual((JSON.parse(answer.body.toString()) as Seen).result, result);
            await Promise.all([instance.kill(), prepared.snapshot.evict()]);
          });
        }

        if (threads === undefined) continue;
        it(`${name} that was made to start some is named, with what to change, and works`, async (t) => {
          const reason = absent();
          if (reason !== null) return t.skip(reason);
          const prepared = await driver.prepare(spec('threads'), instanceSpec());
          assert.ok(prepared.kind === 'instance');
          assert.match(prepared.reason, threads.reason);
          const answer = await prepared.instance.invoke(invocation({}), farDeadlineMs());
          assert.deepEqual((JSON.parse(answer.body.toString()) as Seen).result, result);
          await prepared.instance.kill();
        });
      }
    },
  );
}
