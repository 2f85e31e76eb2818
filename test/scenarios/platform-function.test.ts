import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hearth } from '../../src/cli/testing/run-hearth.ts';
import { descendants, processOf, processorTicks } from './leavings.ts';
import { handlerOf, languages, ROOT, TestServer } from './platform-server.ts';
import { tell } from './told.ts';
import { until } from './until.ts';

let server: TestServer;
let work: string;

before(async () => {
  server = await TestServer.start();
  work = mkdtempSync(join(tmpdir(), 'hearth-scenario-work-'));
});

after(async () => {
  rmSync(work, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
  assert.deepEqual(
    descendants(process.pid).filter((p) => p.state !== 'Z'),
    [],
  );
});

const tellIt = (name: string, event: Record<string, unknown> = {}): ReturnType<typeof tell> => tell(server, name, event);

for (const { language, runtime, skip } of await languages()) {
  describe(`a function, ${language}`, { skip }, () => {
    const name = `tells-${language}`;

    test('is deployed from a hearth.yaml by the command line, starts cold and then is warm', async () => {
      const project = join(work, name);
      cpSync(join(ROOT, 'test/functions/tells'), join(project, 'code'), { recursive: true });
      const yaml = `functions:
  ${name}:
    runtime: ${runtime}
    handler: ${handlerOf(language)}
    code: ./code
    timeoutSeconds: 10
    environment: { TEXT: hello, NUMBER: 7 }
`;
      writeFileSync(join(project, 'hearth.yaml'), yaml);
      const run = await hearth(['deploy', '--json', '--endpoint', server.endpoint], { cwd: project, env: { HEARTH_HOME: server.home } });
      assert.equal(run.code, 0, run.stderr);
      const { functions } = JSON.parse(run.stdout) as {
        functions: { name: string; ok: boolean; deployed: { init: { unforkable: null } } }[];
      };
      assert.equal(functions[0]?.name, name);
      assert.equal(functions[0]?.deployed.init.unforkable, null);
      const cold = await tellIt(name);
      assert.equal(cold.answer.coldRung, 'snapshot');
      assert.match(cold.answer.logTail ?? '', /\tRestore Duration: \d+\.\d\d ms\t$/m);
      const warm = await tellIt(name);
      assert.equal(warm.answer.coldRung, null);
      assert.doesNotMatch(warm.answer.logTail ?? '', /Restore Duration|Init Duration/);
      assert.deepEqual([cold.invocations, warm.invocations], [1, 2], 'globals survive between invocations');
      const [one, two] = [await server.usageOf(name, cold.answer.requestId), await server.usageOf(name, warm.answer.requestId)];
      assert.deepEqual([one.coldRung, two.coldRung], ['snapshot', null]);
      assert.equal(one.instanceId, two.instanceId);
      assert.equal(two.outcome, 'ok');
      assert.ok(two.memoryUsedMb > 5 && two.memoryUsedMb <= 128);
    });

    test('unchanged, a second deployment leaves everything as it is', async () => {
      const before = (await server.client.resident(name)).instances.map((i) => i.id);
      const run = await hearth(['deploy', '--json', '--endpoint', server.endpoint], {
        cwd: join(work, name),
        env: { HEARTH_HOME: server.home },
      });
      assert.equal(
        (JSON.parse(run.stdout) as { functions: { deployed: { unchanged: boolean } }[] }).functions[0]?.deployed.unchanged,
        true,
      );
      assert.deepEqual(
        (await server.client.resident(name)).instances.map((i) => i.id),
        before,
      );
    });

    test('log tail: what it printed between START and END, of this invocation only', async () => {
      const [one, two] = await Promise.all([tellIt(name, { ask: 'one', ms: 50 }), tellIt(name, { ask: 'two', ms: 50 })]);
      for (const [told, mine, other] of [
        [one, 'one', 'two'],
        [two, 'two', 'one'],
      ] as const) {
        const lines = (told.answer.logTail ?? '').trimEnd().split('\n');
        assert.equal(lines[0], `START RequestId: ${told.answer.requestId} Version: $LATEST`);
        assert.match(lines[1] ?? '', new RegExp(`asked for ${mine}$`));
        assert.equal(lines[2], `END RequestId: ${told.answer.requestId}`);
        assert.match(lines[3] ?? '', new RegExp(`^REPORT RequestId: ${told.answer.requestId}\\t`));
        assert.equal(lines.length, 4);
        assert.ok(!told.answer.logTail?.includes(`asked for ${other}`));
      }
    });

    test('instances share what init made and nothing that came after it', async () => {
      const file = '/tmp/mine';
      // Longer than any start: whoever waits gets an instance of its own, also on a machine that is busy with other things.
      const [one, two] = await Promise.all([tellIt(name, { ms: 1_500, write: file }), tellIt(name, { ms: 1_500 })]);
      assert.notEqual(one.now[0], two.now[0]);
      assert.notEqual(one.now[1], two.now[1]);
      assert.equal(one.madeAt, two.madeAt, 'both were forked from one snapshot');
      assert.deepEqual(one.inInit, two.inInit);
      assert.ok(one.tmp.includes('mine'));
      assert.ok(!two.tmp.includes('mine'), 'another instance sees the file');
      const ids = new Set(
        [await server.usageOf(name, one.answer.requestId), await server.usageOf(name, two.answer.requestId)].map((u) => u.instanceId),
      );
      assert.equal(ids.size, 2);
    });

    test('its code is read-only, and its user is nobody who matters', async () => {
      const told = await tellIt(name);
      assert.ok(['EROFS', 'EACCES', 'EPERM'].includes(String(told.codeWritable)), String(told.codeWritable));
      if (process.getuid?.() === 0) assert.ok(told.uid >= 1000, `uid ${told.uid}`);
    });

    test('the environment is Lambda’s, with its own variables and none of the server’s', async () => {
      process.env['HEARTH_SCENARIO_SECRET'] = 'secret';
      const { environment: e } = await tellIt(name, { ask: 'environment' });
      delete process.env['HEARTH_SCENARIO_SECRET'];
      assert.equal(e['TEXT'], 'hello');
      assert.equal(e['NUMBER'], '7');
      const expected = {
        AWS_REGION: 'us-east-1',
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'snap-start',
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
        _HANDLER: handlerOf(language),
        TZ: ':UTC',
      };
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((k) => [k, e[k]])), expected);
      assert.match(e['AWS_LAMBDA_LOG_STREAM_NAME'] ?? '', /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
      assert.ok(e['LAMBDA_TASK_ROOT']);
      assert.match(
        e['DATABASE_URL'] ?? '',
        /^postgres(ql)?:\/\/hearth_functions:/,
        'functions have the database app, as a role of their own',
      );
      const foreign = Object.keys(e).filter((k) => /HEARTH|^PG|NODE_OPTIONS|PYENV/.test(k));
      assert.deepEqual(foreign, ['PGAPPNAME'], 'what its sessions of the database are called');
    });

    test('the context is the documented one', async () => {
      const { context, answer } = await tellIt(name, { ask: 'context' });
      assert.equal(context['functionName'], name);
      assert.equal(context['functionVersion'], '$LATEST');
      assert.equal(context['invokedFunctionArn'], `arn:aws:lambda:us-east-1:000000000000:function:${name}`);
      assert.equal(String(context['memoryLimitInMB']), '128');
      assert.equal(context['awsRequestId'], answer.requestId);
      assert.equal(context['logGroupName'], `/aws/lambda/${name}`);
      assert.match(String(context['logStreamName']), /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
      assert.ok(context.left > 0 && context.left <= 10_000, `${context.left} ms left`);
    });

    test('concurrency 4: one instance takes four at once', async () => {
      const own = `concurrent-${language}`;
      await server.deploy(own, 'tells', { runtime, handler: handlerOf(language), timeoutSeconds: 10, scaling: { concurrency: 4, max: 1 } });
      await tellIt(own);
      const told = await Promise.all(Array.from({ length: 4 }, () => tellIt(own, { ms: 400 })));
      assert.equal(Math.max(...told.map((t) => t.mostInFlight)), 4);
      assert.equal((await server.client.resident(own)).instances.length, 1);
    });

    test('snapshots off: each instance runs its own init phase', async () => {
      const own = `no-snapshot-${language}`;
      await server.deploy(own, 'tells', { runtime, handler: handlerOf(language), timeoutSeconds: 10, snapshot: 'off' });
      const [one, two] = await Promise.all([tellIt(own, { ms: 800 }), tellIt(own, { ms: 800 })]);
      assert.notEqual(one.inInit[1], two.inInit[1]);
      assert.match(String(one.answer.coldRung), /^(zygote|disk)$/);
      assert.match(one.answer.logTail ?? '', /\tInit Duration: /);
      const { instances, snapshots } = await server.client.resident(own);
      assert.equal(instances.length, 2);
      assert.deepEqual(snapshots, []);
      assert.equal((await tellIt(own, { ask: 'environment' })).environment['AWS_LAMBDA_INITIALIZATION_TYPE'], 'on-demand');
    });

    test('what can’t be forked starts plainly, and the deployment says why', async () => {
      const own = `unforkable-${language}`;
      const project = join(work, own);
      const from = language === 'node' ? 'node-unforkable' : 'python-thread-in-init';
      cpSync(join(ROOT, 'test/functions', from), join(project, 'code'), { recursive: true });
      const handler = language === 'node' ? 'threads.handler' : handlerOf(language);
      writeFileSync(join(project, 'hearth.yaml'), `functions:\n  ${own}: { runtime: ${runtime}, handler: ${handler}, code: ./code }\n`);
      const run = await hearth(['deploy', '--endpoint', server.endpoint], { cwd: project, env: { HEARTH_HOME: server.home } });
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stderr, new RegExp(`${own} can't be forked, so each instance runs its own init phase: .*thread`));
      assert.equal((await server.call(own, 'x')).functionError, null);
      const listed = (await server.client.functions()).find((f) => f.name === own);
      assert.equal(listed?.resident, 'plain');
    });

    test('idle, it is stopped and uses no processor time; called, it goes on', async () => {
      const [instance] = await until(async () => {
        const { instances } = await server.client.resident(name);
        return instances.length > 0 && instances.every((i) => i.state === 'paused') ? instances : null;
      });
      const { pid } = instance!;
      await until(async () => processOf(pid)?.state === 'T'); // once it has come to rest
      const ticks = processorTicks(pid);
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(processorTicks(pid), ticks);
      assert.equal((await tellIt(name)).answer.coldRung, null);
    });
  });
}
