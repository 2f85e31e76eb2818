import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { InitFailure, InstanceExited, type DriverInstance } from '../../src/fleet/driver.ts';
import { LoopbackServer } from '../../src/lib/loopback-server.ts';
import { TestSink } from './stream.contract.ts';
import { CollectedLog, invocation, startSpec, type OpenedExecDriver } from '../../src/drivers/exec/testing/fixtures.ts';

/** Largest answer of the drivers that are tested. */
export const LIMIT = 1 << 20;

interface Started {
  readonly instance: DriverInstance;
  readonly log: CollectedLog;
  readonly call: (event: unknown, requestId?: string) => Promise<{ errorType: string | null; value: any }>;
}

function folder(name: string): string {
  return fileURLToPath(new URL(`../../../test/functions/${name}`, import.meta.url));
}

/** A process that ended but waits for somebody to reap it counts as gone. */
function gone(pid: number): boolean {
  try {
    return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/, ''));
  } catch {
    return true;
  }
}

/** Why the loop of AWS's tutorial can't run, or false. */
export const noCurl = spawnSync('curl', ['--version']).error !== undefined && 'curl is not installed';

/** What a driver of custom runtimes does, however its programs are started. */
export function execDriverContract(name: string, open: () => Promise<OpenedExecDriver>): void {
  describe(`exec driver: ${name}`, { timeout: 60_000 }, () => {
    let driver: OpenedExecDriver['driver'];
    let close: OpenedExecDriver['close'];
    before(async () => ({ driver, close } = await open()));
    after(() => close());

    async function start(name: string, environment: Record<string, string> = {}, concurrency = 1): Promise<Started> {
      const log = new CollectedLog();
      const instance = await driver.start(startSpec(folder(name), { environment, concurrency }), {
        instanceId: 'i',
        logStream: 'stream',
        log,
      });
      return {
        instance,
        log,
        async call(event, requestId) {
          const answer = await instance.invoke(invocation(event, requestId), Date.now() + 3_000);
          await answer.logged;
          return { errorType: answer.errorType, value: JSON.parse(answer.body.toString()) as unknown };
        },
      };
    }

    it('runs provided runtimes and nothing else', () => {
      for (const name of ['provided', 'provided.al2', 'provided.al2023']) assert.ok(driver.supports(name));
      for (const name of ['python3.11', 'provided.al3', 'nodejs20.x']) assert.ok(!driver.supports(name));
    });

    it('runs the loop of AWS’s tutorial, and knows whose output is whose', { skip: noCurl }, async () => {
      const { instance, log, call } = await start('provided-shell');
      assert.deepEqual((await call({ a: 1 }, 'r-1')).value, { a: 1 });
      assert.deepEqual((await call({ a: 2 }, 'r-2')).value, { a: 2 });
      assert.deepEqual(log.of(null), [`init in ${folder('provided-shell')}`]);
      assert.deepEqual(log.of('r-1').sort(), ['handling r-1', 'no newline', 'to stderr']);
      assert.deepEqual(log.of('r-2').sort(), ['handling r-2', 'no newline', 'to stderr']);
      assert.equal((await instance.kill()).signal, 'SIGKILL');
    });

    it('hands over headers and environment, and says why it can’t be forked', async () => {
      const log = new CollectedLog();
      const prepared = await driver.prepare(startSpec(folder('provided-node'), { environment: { MINE: 'yes' } }), {
        instanceId: 'i',
        logStream: 's/1',
        log,
      });
      assert.ok(prepared.kind === 'instance');
      assert.match(prepared.reason, /can't be forked/);
      const { instance } = prepared;
      assert.deepEqual([instance.rung, instance.init?.unforkable], ['disk', prepared.reason]);
      assert.deepEqual(
        instance.steps.map((s) => s.name),
        ['spawn', 'userInit'],
      );
      const ask = async (event: unknown): Promise<any> =>
        JSON.parse((await instance.invoke(invocation(event, 'r-3'), 1234.6)).body.toString());
      const headers = await ask({ do: 'headers' });
      assert.equal(headers['lambda-runtime-aws-request-id'], 'r-3');
      assert.equal(headers['lambda-runtime-deadline-ms'], '1235');
      assert.equal(headers['lambda-runtime-invoked-function-arn'], 'arn:demo');
      assert.equal(headers['lambda-runtime-trace-id'], 'Root=1');
      assert.deepEqual(JSON.parse(headers['lambda-runtime-client-context']), { custom: { name: 'é\n' } });
      const environment = await ask({ do: 'environment' });
      assert.deepEqual([environment.MINE, environment.AWS_LAMBDA_LOG_STREAM_NAME], ['yes', 's/1']);
      assert.ok(((await instance.memoryBytes()) ?? 0) > 1 << 20);
      assert.ok((await instance.invoke(invocation({}), Date.now())).peakMemoryBytes > 10 << 20);
      await instance.kill();
      assert.equal(await instance.memoryBytes(), null);
    });

    it('passes an error on as it was posted', async () => {
      const { call } = await start('provided-node');
      assert.deepEqual(await call({ do: 'error' }), {
        errorType: 'Custom.Error',
        value: { errorType: 'Custom.Error', errorMessage: 'went wrong' },
      });
      assert.equal((await call({ fine: true })).errorType, null);
    });

    it('refuses what the state does not allow, as Lambda does', async () => {
      const { call } = await start('provided-node', { MODE: 'early' });
      const notAllowed = (from: string, to: string): object => ({
        status: 403,
        errorType: 'InvalidStateTransition',
        errorMessage: `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`,
      });
      const [wrongId, secondNext, nowhere] = (await call({ do: 'wrong' })).value;
      const invalid = { status: 400, errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' };
      assert.deepEqual(wrongId, invalid);
      assert.deepEqual(secondNext, notAllowed('Running', 'Ready'));
      assert.equal(nowhere.status, 404);
      assert.deepEqual((await call({ do: 'early' })).value, invalid);
    });

    it('refuses a response that is too large, and goes on', async () => {
      const { call } = await start('provided-node');
      const failed = await call({ do: 'big', bytes: LIMIT + 1 });
      assert.equal(failed.errorType, 'Function.ResponseSizeTooLarge');
      assert.match(failed.value.errorMessage, /exceeded maximum allowed payload size \(1048576 bytes\)/);
      const [told] = (await call({ do: 'later' })).value;
      assert.deepEqual(told, {
        status: 413,
        errorType: 'RequestEntityTooLarge',
        errorMessage: 'Exceeded maximum allowed payload size (1048576 bytes).',
      });
    });

    it('hands out as many at once as the function may have, and no more', async () => {
      const { instance, call } = await start('provided-node', { MODE: 'together' }, 3);
      const answers = await Promise.all([1, 2, 3].map((n) => call({ n })));
      assert.deepEqual(
        answers.map(({ value }) => [value.event.n, value.with, value.full.status, value.full.errorType]),
        [1, 2, 3].map((n) => [n, 3, 403, 'InvalidStateTransition']),
      );
      await instance.kill();
    });

    it('takes one answer of a streamed response, and tells the runtime how it went', async () => {
      const { instance, call } = await start('provided-node');
      const sink = new TestSink();
      const begun = new LoopbackServer(async (_, res) => {
        await sink.until(1);
        res.end();
      });
      begun.serveOnly(null);
      const twice = `http://${await begun.listen()}/`;
      const answer = await instance.invoke({ ...invocation({ do: 'stream', pieces: ['a'], twice }), sink }, Date.now() + 3_000);
      assert.deepEqual([answer.errorType, sink.text], [null, 'a']);
      await begun.close();
      const [second, told] = (await call({ do: 'later' })).value;
      assert.deepEqual([second.status, second.errorType], [403, 'InvalidStateTransition']);
      assert.deepEqual(told, { status: 'OK' });
      await instance.kill();
    });

    it('says so when a runtime breaks its response off', async () => {
      const { instance, call } = await start('provided-node');
      const sink = new TestSink();
      const answer = await instance.invoke({ ...invocation({ do: 'stream', pieces: ['a'], then: 'break' }), sink }, Date.now() + 3_000);
      assert.equal(answer.errorType, 'Runtime.TruncatedResponse');
      assert.deepEqual((await call({ fine: true })).value, { fine: true });
      await instance.kill();
    });

    it('keeps the order of a thousand lines', async () => {
      const { call, log } = await start('provided-node');
      const lines = Array.from({ length: 1_000 }, (_, i) => `line ${i} ${'é'.repeat(i)}`);
      await call({ do: 'print', lines }, 'r-4');
      assert.deepEqual(log.of('r-4'), lines);
    });

    it('reports a process that ends during an invocation', async () => {
      const { instance, call } = await start('provided-node');
      const pending = call({ do: 'exit', code: 5 });
      await assert.rejects(pending, (error: unknown) => error instanceof InstanceExited && error.status.code === 5);
      assert.deepEqual(await instance.exited, { code: 5, signal: null });
      await assert.rejects(call({}), InstanceExited);
      assert.deepEqual(await instance.kill(), { code: 5, signal: null });
    });

    it('kills what an instance started, together with it', async () => {
      const { instance, call } = await start('provided-node');
      const { pid } = (await call({ do: 'child' })).value;
      const pending = call({ do: 'hang' });
      const [status] = await Promise.all([instance.kill(), assert.rejects(pending, InstanceExited)]);
      assert.equal(status.signal, 'SIGKILL');
      while (!gone(pid)) await new Promise((resolve) => setImmediate(resolve));
    });

    it('stops and continues', async () => {
      const { instance, call } = await start('provided-node');
      await call({});
      instance.pause();
      const state = (): string => execFileSync('ps', ['-o', 'stat=', '-p', String(instance.pid)]).toString();
      while (!state().startsWith('T')) await new Promise((resolve) => setImmediate(resolve));
      const pending = call({ back: 1 });
      instance.resume();
      assert.deepEqual((await pending).value, { back: 1 });
      instance.pause();
      await instance.kill();
    });

    const failures: readonly [string, string, string, RegExp][] = [
      ['provided-exits', '', 'Runtime.ExitError', /^RequestId: \S+ Error: Runtime exited with error: exit status 3$/],
      ['provided-not-executable', '', 'Runtime.InvalidEntrypoint', /^RequestId: \S+ Error: fork\/exec .*\/bootstrap: permission denied$/],
      [
        'provided-no-interpreter',
        '',
        'Runtime.InvalidEntrypoint',
        /^RequestId: \S+ Error: fork\/exec .*\/bootstrap: no such file or directory$/,
      ],
      ['nothing-here', '', 'Runtime.InvalidEntrypoint', /^RequestId: \S+ Error: Couldn't find valid bootstrap\(s\): \[.*\/bootstrap\]$/],
      ['provided-node', 'init-error', 'Custom.Init', /^no model$/],
      ['provided-node', 'init-hangs', 'Sandbox.Timedout', /^RequestId: \S+ Error: Task timed out after 1\.00 seconds$/],
    ];
    for (const [name, mode, errorType, message] of failures) {
      it(`${name} ${mode} fails its init phase with ${errorType}`, async () => {
        const spec = startSpec(folder(name), { environment: { MODE: mode }, initTimeoutMs: mode === 'init-hangs' ? 1_000 : 20_000 });
        const started = driver.start(spec, { instanceId: 'i', logStream: 's', log: new CollectedLog() });
        await assert.rejects(started, (error: unknown) => {
          assert.ok(error instanceof InitFailure, String(error));
          assert.equal(error.errorType, errorType);
          assert.match((JSON.parse(error.body.toString()) as { errorMessage: string }).errorMessage, message);
          return true;
        });
      });
    }
  });
}
