import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import type { DriverInstance, StartSpec } from '../../src/fleet/driver.ts';
import { nodeLibraries, pythonLibraries, sharedLibrary, torch } from '../scenarios/library-packages.ts';
import type { Packages } from '../scenarios/packages.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes, type TestLanguage } from './fork-driver-subject.ts';

interface Seen {
  readonly result: unknown;
  readonly cpus: number;
  readonly threads: number;
  readonly variable: string | null;
  /** How often the handler ran before, in a rehearsal that is; Node.js. */
  readonly before?: number;
}

/** What a library answers; how a function makes it start threads, and what it is then told (null: even then it starts none). */
interface Library {
  readonly name: string;
  readonly result: unknown;
  readonly threads?: { readonly reason: RegExp | null; readonly variables?: Readonly<Record<string, string>>; readonly result?: unknown };
  /** Of a Node.js function that uses what a Python package brings: the package's folder of shared libraries, and the file's name. */
  readonly shared?: readonly [string, string];
}

/** Of a multiplication and a small model. */
const TORCH = [27_000_000, 50_400.5];
const OPENMP = { OMP_NUM_THREADS: '2' };
const OPENBLAS = { OPENBLAS_NUM_THREADS: '2' };

const LIBRARIES: Readonly<Record<TestLanguage, readonly Library[]>> = {
  node: [
    {
      name: 'onnxruntime',
      result: [-1, -2, -3, -4],
      threads: { reason: /^onnxruntime-node started \d+ worker threads? during init, .*\(create its sessions with intraOpNumThreads: 1/ },
    },
    {
      name: 'openblas',
      result: 27_000_000,
      shared: ['numpy.libs', 'libscipy_openblas'],
      threads: { reason: null, variables: OPENBLAS },
    },
    {
      name: 'openmp',
      result: 1,
      shared: ['pykdtree.libs', 'libgomp'],
      threads: { reason: /^libgomp started 1 worker thread during init, .*\(set OMP_NUM_THREADS=1, or/, variables: OPENMP, result: 2 },
    },
    { name: 'sharp', result: 192, threads: { reason: /^sharp started \d+ worker threads? during init, .*use it in the handler only\)$/ } },
  ],
  python: [
    { name: 'numpy', result: 27_000_000, threads: { reason: null, variables: OPENBLAS } },
    {
      name: 'pykdtree',
      result: [0, 20_000],
      threads: { reason: /^pykdtree \(libgomp\) started 1 worker thread during init, .*: set OMP_NUM_THREADS=1, or/, variables: OPENMP },
    },
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
    {
      name: 'torch',
      result: TORCH,
      threads: { reason: /^torch started 1 worker thread during init, .*: call torch\.set_num_threads\(1\) before/ },
    },
  ],
};

for (const { language, runtime, missing } of await runtimes()) {
  describe(
    `libraries that like threads: ${language}`,
    { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 230_000 },
    () => {
      let driver: ForkDriver;
      let own: Packages;
      let python: Packages;
      before(async () => {
        driver = await openForkDriver();
        python = await pythonLibraries();
        own = await (language === 'node' ? nodeLibraries() : python);
      });
      after(() => driver.close());

      for (const { name, result, threads, shared } of LIBRARIES[language]) {
        const dependencies = (): Packages => (name === 'torch' ? torch() : own);
        const absent = (): string | null => dependencies().missing ?? (shared === undefined ? null : python.missing);
        const spec = (mode: string, variables = {}): StartSpec => {
          const environment: Record<string, string> = { LIBRARY: name, MODE: mode, ...variables };
          if (shared !== undefined) environment['LIBRARY_FILE'] = sharedLibrary(python, ...shared);
          return {
            ...behaviourSpec('libraries', runtime, { environment }),
            dependencyRoot: dependencies().root,
            ...(shared === undefined ? {} : { layersRoot: python.root }),
            initTimeoutMs: 60_000,
          };
        };
        const call = async (instance: DriverInstance): Promise<Seen> => {
          const answer = await instance.invoke(invocation({}), farDeadlineMs());
          await instance.kill();
          return JSON.parse(answer.body.toString()) as Seen;
        };

        it(`${name} starts none by default: it is forked, works, and has all CPUs`, async (t) => {
          const reason = absent();
          if (reason !== null) return t.skip(reason);
          const prepared = await driver.prepare(spec(''), instanceSpec());
          assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
          const [one, two] = [await driver.fork(prepared.snapshot, instanceSpec()), await driver.fork(prepared.snapshot, instanceSpec())];
          for (const instance of [one, two]) {
            const seen = await call(instance);
            assert.deepEqual(seen.result, result);
            assert.equal(seen.cpus, availableParallelism());
            assert.equal(seen.variable, null, 'the variables of the init phase are gone');
            if (language === 'python') assert.equal(seen.threads, 1);
          }
          await prepared.snapshot.evict();
        });

        if (name === 'sharp') {
          it('sharp is forked after a rehearsal that used it: its threads, which leave when idle, are waited for', async (t) => {
            const reason = absent();
            if (reason !== null) return t.skip(reason);
            const { version, ...rest } = spec('');
            const prepared = await driver.prepare({ ...rest, version: { ...version, rehearsal: '{}' }, onDemand: false }, instanceSpec());
            assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
            const seen = await call(await driver.fork(prepared.snapshot, instanceSpec()));
            assert.deepEqual([seen.result, seen.before], [result, 3]);
            await prepared.snapshot.evict();
          });

          it('sharp is not rehearsed while a caller waits, who would wait for its threads to leave', async (t) => {
            const reason = absent();
            if (reason !== null) return t.skip(reason);
            const { version, ...rest } = spec('');
            const prepared = await driver.prepare({ ...rest, version: { ...version, rehearsal: '{}' }, onDemand: true }, instanceSpec());
            assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
            const seen = await call(await driver.fork(prepared.snapshot, instanceSpec()));
            assert.deepEqual([seen.result, seen.before], [result, 0]);
            await prepared.snapshot.evict();
          });
        }

        if (name === 'torch') {
          it('torch may have more threads in an instance: there was no pool to lose', async (t) => {
            const reason = absent();
            if (reason !== null) return t.skip(reason);
            const prepared = await driver.prepare(spec('raised'), instanceSpec());
            assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
            const seen = await call(await driver.fork(prepared.snapshot, instanceSpec()));
            assert.deepEqual([seen.result, seen.threads], [result, 2]);
            await prepared.snapshot.evict();
          });
        }

        if (threads === undefined) continue;
        const { reason: told, variables, result: otherResult = result } = threads;
        const what =
          told === null ? 'asked for some starts none on its one CPU' : 'made to start some is named, with what to change, and works';
        it(`${name} that was ${what}`, async (t) => {
          const reason = absent();
          if (reason !== null) return t.skip(reason);
          const prepared = await driver.prepare(spec('threads', variables), instanceSpec());
          if (prepared.kind === 'snapshot') {
            assert.equal(told, null);
            assert.deepEqual((await call(await driver.fork(prepared.snapshot, instanceSpec()))).result, otherResult);
            return prepared.snapshot.evict();
          }
          assert.match(prepared.reason, told ?? /^none$/);
          assert.deepEqual((await call(prepared.instance)).result, otherResult);
        });
      }
    },
  );
}
