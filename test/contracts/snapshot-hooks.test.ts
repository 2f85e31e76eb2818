import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { InitFailure } from '../../src/fleet/driver.ts';
import type { DriverInstance, Prepared, StartSpec } from '../../src/fleet/driver.ts';
import { pythonPackages } from '../scenarios/packages.ts';
import { PYTHON } from '../scenarios/python-shim-host.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

interface Traces {
  readonly trace?: readonly string[];
  readonly stackTrace?: readonly string[];
}

const BEFORE = ['before 2', 'before 1'];
const AFTER = ['after 1', 'after 2'];

for (const { language, runtime, missing } of await runtimes()) {
  const thrown = language === 'node' ? 'RangeError' : 'IndexError';
  describe(`SnapStart hooks: ${language}`, { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 60_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    const spec = (mode: string): StartSpec => behaviourSpec('hooks', runtime, { environment: { MODE: mode } });
    const prepare = (mode: string): Promise<Prepared> => driver.prepare(spec(mode), instanceSpec());
    const forked = async (mode: string): Promise<DriverInstance> => {
      const prepared = await prepare(mode);
      assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
      return driver.fork(prepared.snapshot, instanceSpec()).finally(() => void prepared.snapshot.evict());
    };
    const order = async (instance: DriverInstance): Promise<unknown> => {
      const answer = await instance.invoke(invocation({}), farDeadlineMs());
      await instance.kill();
      return JSON.parse(answer.body.toString());
    };
    const failure = async (promise: Promise<unknown>): Promise<{ named: string; type: string; message: string; trace: string }> => {
      const error = await promise.then(
        () => assert.fail('it did not fail'),
        (e: unknown) => e,
      );
      assert.ok(error instanceof InitFailure, String(error));
      const document = JSON.parse(error.body.toString()) as Readonly<Record<'errorType' | 'errorMessage', string>> & Traces;
      assert.ok(!('runtimeErrorType' in document), 'the document is Lambda’s');
      const trace = (document.trace ?? document.stackTrace ?? []).join('\n');
      return { named: error.errorType, type: document.errorType, message: document.errorMessage, trace };
    };

    it('run once: before the snapshot the last first, in each instance the first first', async () => {
      const prepared = await prepare('');
      assert.ok(prepared.kind === 'snapshot');
      const instances = await Promise.all([1, 2, 3].map(() => driver.fork(prepared.snapshot, instanceSpec())));
      for (const instance of instances) {
        await instance.invoke(invocation({}), farDeadlineMs());
        assert.deepEqual(await order(instance), [...BEFORE, ...AFTER]);
        const steps = instance.steps.map((s) => s.name);
        assert.deepEqual([steps.at(-1), steps.includes('userInit')], ['restore', false], 'what they take is told, and is no init phase');
      }
      await prepared.snapshot.evict();
    });

    it('run where the function turns out not to be forkable, and where it is started plainly', async () => {
      const prepared = await prepare('thread');
      assert.ok(prepared.kind === 'instance');
      assert.deepEqual(await order(prepared.instance), [...BEFORE, ...AFTER]);
      assert.deepEqual(await order(await driver.start(spec('thread'), instanceSpec())), [...BEFORE, ...AFTER]);
    });

    it('come after the rehearsal with a sample event, which prepares what they may have to close', async () => {
      const rehearsed = behaviourSpec('hooks', runtime, { rehearsal: '{"note": "rehearsed"}' });
      const prepared = await driver.prepare(rehearsed, instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      const seen = (await order(await driver.fork(prepared.snapshot, instanceSpec()))) as string[];
      const first = seen.indexOf('before 2');
      assert.ok(first >= 1);
      assert.deepEqual(new Set(seen.slice(0, first)), new Set(['rehearsed']));
      assert.deepEqual(seen.slice(first), [...BEFORE, ...AFTER]);
      await prepared.snapshot.evict();
      assert.deepEqual(await order(await driver.start(rehearsed, instanceSpec())), [...BEFORE, ...AFTER], 'for a snapshot only');
    });

    it('are taken from AWS’s own package where the function brings it', async (t) => {
      if (language === 'node') return t.skip('AWS has none for Node.js');
      const packages = await pythonPackages(PYTHON, { 'snapshot-restore-py': '1.0.0' });
      if (packages.missing !== null) return t.skip(packages.missing);
      const prepared = await driver.prepare({ ...spec('which'), dependencyRoot: packages.root }, instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      const [path, ...seen] = (await order(await driver.fork(prepared.snapshot, instanceSpec()))) as string[];
      assert.match(path!, /test-packages/);
      assert.deepEqual(seen, [...BEFORE, ...AFTER]);
      await prepared.snapshot.evict();
    });

    it('do not run in a function that is to have no snapshot', async () => {
      const off = spec('');
      const environment = { ...off.environment, AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand' };
      assert.deepEqual(await order(await driver.start({ ...off, environment }, instanceSpec())), []);
    });

    it('fail the init phase when one before the snapshot throws', async () => {
      const { named, type, message, trace } = await failure(prepare('before-throws'));
      assert.deepEqual([named, type, message], ['Runtime.BeforeSnapshotError', thrown, 'no snapshot of me']);
      assert.match(trace, language === 'node' ? /index\.cjs/ : /lambda_function\.py.*second/);
    });

    it('fail the start of the instance when one after it throws, and leave nothing', async () => {
      const { named, type, message } = await failure(forked('after-throws'));
      assert.deepEqual([named, type, message], ['Runtime.AfterRestoreError', thrown, 'not restored']);
    });

    it('fail it by Python’s sys.exit, too', async (t) => {
      if (language === 'node') return t.skip('process.exit ends the process there and then');
      const { named, type, message } = await failure(forked('after-leaves'));
      assert.deepEqual([named, type, message], ['Runtime.AfterRestoreError', 'SystemExit', '4']);
    });

    it('fail the start of the instance when one exits', async () => {
      const { type, message } = await failure(forked('after-exits'));
      assert.deepEqual([type, message.replace(/^.* Error: /, '')], ['Runtime.ExitError', 'Runtime exited with error: exit status 4']);
    });

    it('fail the start of the instance when one takes longer than it may', async () => {
      const impatient = await openForkDriver({ restoreMs: 200 });
      const prepared = await impatient.prepare(spec('after-hangs'), instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      assert.equal((await failure(impatient.fork(prepared.snapshot, instanceSpec()))).type, 'Sandbox.Timedout');
      await impatient.close();
    });
  });
}
