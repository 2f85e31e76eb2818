import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { InitFailure, InstanceExited } from '../../src/fleet/driver.ts';
import type { Driver, DriverInstance, DriverSnapshot, InstanceSpec, StartSpec } from '../../src/fleet/driver.ts';
import type { Invocation } from '../../src/model/invocation.ts';

/** What the functions of the suite do; see test/functions/behaviours. */
export type Behaviour =
  | 'echo'
  | 'throws'
  | 'exits'
  | 'hangs'
  | 'prints'
  | 'init-throws'
  | 'init-hangs'
  | 'init-exits'
  | 'init-leaves-socket';

/** One implementation of the contract. */
export interface DriverUnderTest {
  open(): Promise<Driver>;
  /** How the driver is told to run a function that behaves so. */
  spec(behaviour: Behaviour): StartSpec;
  /** Lets time pass where it doesn't by itself, until the promise has settled. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** Tests this implementation can't pass, by name, with the reason. */
  readonly skips?: Readonly<Record<string, string>>;
}

export function instanceSpec(): InstanceSpec & { readonly lines: [string | null, string][] } {
  const lines: [string | null, string][] = [];
  return { instanceId: randomUUID(), logStream: '2026/11/22/[$LATEST]0', lines, log: { line: (id, text) => lines.push([id, text]) } };
}

export function invocation(event: unknown): Invocation {
  return {
    requestId: randomUUID(),
    attempt: 1,
    body: Buffer.from(JSON.stringify(event)),
    invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
    traceId: '',
    clientContext: '',
    lineage: '',
    receivedAtMs: 0,
  };
}

export const farDeadlineMs = (): number => Date.now() + 60_000;

/** The meaning of `Driver`: every implementation passes it. */
export function driverContract(name: string, subject: DriverUnderTest): void {
  describe(`driver contract: ${name}`, { timeout: 120_000 }, () => {
    let driver: Driver;
    const settle = <T>(promise: Promise<T>): Promise<T> => subject.settle(promise);
    const spec = (behaviour: Behaviour): StartSpec => subject.spec(behaviour);
    before(async () => (driver = await subject.open()));
    after(async () => settle(driver.close()));

    const test = (title: string, body: () => Promise<void>): void => {
      const skip = subject.skips?.[title];
      it(title, skip === undefined ? {} : { skip }, body);
    };
    const snapshotOf = async (behaviour: Behaviour): Promise<DriverSnapshot> => {
      const prepared = await settle(driver.prepare(spec(behaviour), instanceSpec()));
      assert.equal(prepared.kind, 'snapshot', prepared.kind === 'instance' ? prepared.reason : '');
      return (prepared as { snapshot: DriverSnapshot }).snapshot;
    };
    const forked = async (behaviour: Behaviour, as = instanceSpec()): Promise<DriverInstance> => {
      const snapshot = await snapshotOf(behaviour);
      const instance = await settle(driver.fork(snapshot, as));
      await settle(snapshot.evict());
      return instance;
    };
    const call = (instance: DriverInstance, event: unknown) => settle(instance.invoke(invocation(event), farDeadlineMs()));
    const failure = async (promise: Promise<unknown>): Promise<InitFailure> => {
      const error = await settle(
        promise.then(
          () => assert.fail('it did not fail'),
          (e: unknown) => e,
        ),
      );
      assert.ok(error instanceof InitFailure, String(error));
      return error;
    };

    test('prepares a snapshot and forks instances that answer', async () => {
      const snapshot = await snapshotOf('echo');
      assert.equal(snapshot.init.unforkable, null);
      assert.ok(['disk', 'zygote'].includes(snapshot.rung));
      const instances = await settle(Promise.all(Array.from({ length: 5 }, () => driver.fork(snapshot, instanceSpec()))));
      const answers = await Promise.all(instances.map((instance, i) => call(instance, { i })));
      assert.deepEqual(
        answers.map((a) => [a.errorType, JSON.parse(a.body.toString())]),
        [0, 1, 2, 3, 4].map((i) => [null, { i }]),
      );
      assert.ok(instances.every((i) => i.rung === 'snapshot' && i.init === null));
      assert.ok(answers.every((a) => a.handlerMs >= 0 && a.peakMemoryBytes > 0));
      await settle(Promise.all(instances.map((i) => i.kill())));
      await settle(snapshot.evict());
    });

    test('starts an instance that runs its own init phase', async () => {
      const instance = await settle(driver.start(spec('echo'), instanceSpec()));
      assert.ok(instance.init !== null && instance.init.durationMs >= 0);
      assert.notEqual(instance.rung, 'snapshot');
      assert.equal((await call(instance, 7)).body.toString(), '7');
      await settle(instance.kill());
    });

    test('tells how each came to be, one step after the other', async () => {
      const snapshot = await snapshotOf('echo');
      const instances = [await settle(driver.fork(snapshot, instanceSpec())), await settle(driver.start(spec('echo'), instanceSpec()))];
      const [forkedSteps, ownSteps] = instances.map((i) => i.steps.map((s) => s.name));
      assert.ok(forkedSteps?.includes('fork') && !forkedSteps.includes('userInit'), forkedSteps?.join());
      for (const names of [ownSteps, snapshot.steps.map((s) => s.name)]) assert.ok(names?.includes('userInit'), names?.join());
      for (const { steps } of [snapshot, ...instances]) {
        steps.forEach((step, i) => {
          const before = steps[i - 1];
          assert.ok(step.ms >= 0 && (before === undefined || step.atMs >= before.atMs + before.ms - 0.01), JSON.stringify(steps));
        });
      }
      await settle(Promise.all(instances.map((i) => i.kill())));
      await settle(snapshot.evict());
    });

    test('answers one invocation after another, and says what was thrown', async () => {
      const instance = await forked('throws');
      for (let i = 0; i < 3; i++) {
        const answer = await call(instance, {});
        assert.ok(answer.errorType !== null);
        const document = JSON.parse(answer.body.toString()) as { errorType: string; errorMessage: string };
        assert.deepEqual([document.errorType, document.errorMessage], [answer.errorType, 'out of range']);
      }
      await settle(instance.kill());
    });

    test('serves at once what can not be forked, and says why', async () => {
      const prepared = await settle(driver.prepare(spec('init-leaves-socket'), instanceSpec()));
      assert.ok(prepared.kind === 'instance');
      assert.ok(prepared.reason.length > 10 && prepared.instance.init?.unforkable === prepared.reason);
      assert.equal((await call(prepared.instance, 'x')).body.toString(), '"x"');
      await settle(prepared.instance.kill());
    });

    test('fails with the error of the init phase', async () => {
      for (const start of [driver.prepare.bind(driver), driver.start.bind(driver)]) {
        const error = await failure(start(spec('init-throws'), instanceSpec()));
        const document = JSON.parse(error.body.toString()) as { errorType: string; errorMessage: string };
        assert.equal(document.errorType, error.errorType);
        assert.match(document.errorMessage, /init is broken/);
      }
    });

    test('fails when the init phase exits', async () => {
      const error = await failure(driver.prepare(spec('init-exits'), instanceSpec()));
      assert.equal(error.errorType, 'Runtime.ExitError');
      assert.match(error.body.toString(), /Error: Runtime exited with error: exit status 3/);
    });

    test('fails when the init phase takes too long', async () => {
      const error = await failure(driver.start({ ...spec('init-hangs'), initTimeoutMs: 300 }, instanceSpec()));
      assert.equal(error.errorType, 'Sandbox.Timedout');
      assert.ok(error.durationMs >= 299);
    });

    test('loses only the invocation in which the instance exits', async () => {
      const instance = await forked('exits');
      const order: string[] = [];
      void instance.ending.then(() => order.push('ending'));
      void instance.exited.then(() => order.push('exited'));
      const error = await settle(
        instance.invoke(invocation({ code: 5 }), farDeadlineMs()).then(
          () => null,
          (e: unknown) => (order.push('rejected'), e),
        ),
      );
      assert.ok(error instanceof InstanceExited, String(error));
      assert.deepEqual(error.status, { code: 5, signal: null });
      assert.deepEqual(await settle(instance.exited), { code: 5, signal: null });
      assert.deepEqual(order, ['ending', 'rejected', 'exited']);
      await assert.rejects(call(instance, {}), InstanceExited);
      instance.pause();
      instance.resume();
      assert.equal(await instance.memoryBytes(), null);
      assert.deepEqual(await settle(instance.kill()), { code: 5, signal: null });
    });

    test('kills what is in flight, once', async () => {
      const instance = await forked('hangs');
      const hanging = instance.invoke(invocation({}), farDeadlineMs()).catch((e: unknown) => e);
      const [first, second] = await settle(Promise.all([instance.kill(), instance.kill()]));
      assert.ok((await settle(hanging)) instanceof InstanceExited);
      assert.equal(first.signal, 'SIGKILL');
      assert.deepEqual(second, first);
      assert.deepEqual(await instance.exited, first);
      await instance.ending;
    });

    test('lets instances outlive their snapshot, which then forks no more', async () => {
      const snapshot = await snapshotOf('echo');
      const instance = await settle(driver.fork(snapshot, instanceSpec()));
      await settle(Promise.all([snapshot.evict(), snapshot.evict()]));
      await settle(snapshot.gone);
      assert.equal((await call(instance, 1)).body.toString(), '1');
      await assert.rejects(settle(driver.fork(snapshot, instanceSpec())));
      await settle(instance.kill());
    });

    test('stops and continues an instance', async () => {
      const instance = await forked('echo');
      for (let i = 0; i < 3; i++) {
        instance.pause();
        instance.pause();
        instance.resume();
        assert.equal((await call(instance, i)).body.toString(), String(i));
      }
      instance.pause();
      await settle(instance.kill());
    });

    test('passes on what an invocation prints before it says that it has', async () => {
      const as = instanceSpec();
      const instance = await forked('prints', as);
      for (const lines of [['one\n', 'two\n'], ['three, without an end']]) {
        const i = invocation({ lines });
        as.lines.length = 0;
        const answer = await settle(instance.invoke(i, farDeadlineMs()));
        await settle(answer.logged ?? Promise.resolve());
        assert.deepEqual(
          as.lines,
          lines.map((text) => [i.requestId, text.trim()]),
        );
      }
      await settle(instance.kill());
    });

    test('measures memory while there is something to measure', async () => {
      const instance = await forked('echo');
      assert.ok((await settle(instance.memoryBytes()))! > 0);
      await settle(instance.kill());
      assert.equal(await settle(instance.memoryBytes()), null);
    });

    test('goes on after its runtimes were dropped', async () => {
      const instance = await forked('echo');
      await settle(driver.evictRuntimes());
      assert.equal((await call(instance, 1)).body.toString(), '1');
      const next = await settle(driver.start(spec('echo'), instanceSpec()));
      assert.equal(next.rung, 'disk');
      const third = await settle(driver.start(spec('echo'), instanceSpec()));
      assert.equal(third.rung, 'zygote');
      await settle(Promise.all([instance, next, third].map((i) => i.kill())));
    });

    test('finishes the starts that are under way when what they are forked from is evicted', async () => {
      const snapshot = await snapshotOf('echo');
      const forks = Array.from({ length: 5 }, () => driver.fork(snapshot, instanceSpec()));
      await settle(snapshot.evict());
      await assert.rejects(settle(driver.fork(snapshot, instanceSpec())), 'it is gone');
      const under = { way: true };
      const starts = Promise.all(Array.from({ length: 5 }, () => driver.start(spec('echo'), instanceSpec()))).finally(
        () => (under.way = false),
      );
      for (let turns = 0; under.way || turns === 0; turns++) {
        await settle(driver.evictRuntimes());
        await new Promise((resolve) => setImmediate(resolve)); // where there was none, that took no turn of the loop
      }
      const instances = [...(await settle(Promise.all(forks))), ...(await settle(starts))];
      for (const [i, instance] of instances.entries()) assert.equal((await call(instance, i)).body.toString(), String(i));
      await settle(Promise.all(instances.map((i) => i.kill())));
    });

    test('takes everything with it when it is closed, twice if need be', async () => {
      const other = await subject.open();
      const prepared = await settle(other.prepare(spec('hangs'), instanceSpec()));
      assert.ok(prepared.kind === 'snapshot');
      const instance = await settle(other.fork(prepared.snapshot, instanceSpec()));
      const hanging = instance.invoke(invocation({}), farDeadlineMs()).catch((e: unknown) => e);
      await settle(Promise.all([other.close(), other.close()]));
      assert.ok((await settle(hanging)) instanceof InstanceExited);
      await settle(Promise.all([instance.exited, prepared.snapshot.gone]));
    });
  });
}
