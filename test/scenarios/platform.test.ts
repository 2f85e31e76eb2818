import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hearth } from '../../src/cli/testing/run-hearth.ts';
import { ApiError } from '../../src/client/errors.ts';
import { descendants, processOf } from './leavings.ts';
import { ROOT, TestServer } from './platform-server.ts';
import { tell } from './told.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;

let server: TestServer;
let work: string;

before(async () => {
  server = await TestServer.start();
  work = mkdtempSync(join(tmpdir(), 'hearth-scenario-work-'));
  await server.deploy('tells-node', 'tells', { runtime: NODE, handler: 'index.handler', environment: { TEXT: 'hello' } });
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

const throttledWith = (reason: string) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.status, 429);
  assert.equal(error.errorType, 'TooManyRequestsException');
  assert.equal(error.message, 'Rate Exceeded.');
  assert.equal(error.body['Reason'], reason);
  return true;
};

describe('scaling', () => {
  test('out to twenty at once, each on an instance of its own, and back to nothing', async () => {
    await server.deploy('scales', 'tells', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 20, scaling: { keepAlive: 1 } });
    const told = await Promise.all(Array.from({ length: 20 }, () => tellIt('scales', { ms: 1500 })));
    assert.deepEqual(
      told.map((t) => t.invocations),
      told.map(() => 1),
    );
    const ids = await server.client.usageRecords({ functionName: 'scales', limit: 100 });
    assert.equal(new Set(ids.map((u) => u.instanceId)).size, 20);
    assert.equal(new Set(told.map((t) => t.now[1])).size, 20);
    const pids = (await server.client.resident('scales')).instances.map((i) => i.pid);
    await until(async () => (await server.client.resident('scales')).instances.length === 0);
    assert.deepEqual(
      pids.filter((pid) => processOf(pid) !== null),
      [],
    );
    assert.equal((await tellIt('scales')).answer.coldRung, 'snapshot', 'the snapshot outlives its instances');
  });

  test('reserved concurrency: one more than it allows is refused at once', async () => {
    await server.deploy('reserved', 'tells', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 20, scaling: { max: 2 } });
    const running = [tellIt('reserved', { ms: 1000 }), tellIt('reserved', { ms: 1000 })];
    await until(async () => (await server.client.resident('reserved')).instances.filter((i) => i.state === 'busy').length === 2);
    await assert.rejects(server.call('reserved', {}), throttledWith('ReservedFunctionConcurrentInvocationLimitExceeded'));
    await Promise.all(running);
    assert.equal((await tellIt('reserved')).answer.coldRung, null);
  });

  test('a function with max: 0 is switched off', async () => {
    await server.deploy('off', 'tells', { runtime: NODE, handler: 'index.handler', scaling: { max: 0 } });
    await assert.rejects(server.call('off', {}), throttledWith('ReservedFunctionConcurrentInvocationLimitExceeded'));
  });

  test('a full machine: some wait for their turn, too many or too long are refused', async () => {
    const small = await TestServer.start({ limits: { instances: 1, queueLength: 2, queueMs: 2_000 } });
    try {
      await small.deploy('busy', 'tells', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 20 });
      await small.call('busy', {});
      const long = small.call('busy', { ms: 6_000 });
      await until(async () => (await small.client.resident('busy')).instances.some((i) => i.state === 'busy'));
      const waiting = await Promise.allSettled(Array.from({ length: 4 }, () => small.call('busy', {})));
      assert.deepEqual(
        waiting.map((w) => w.status),
        waiting.map(() => 'rejected'),
      );
      for (const w of waiting) if (w.status === 'rejected') throttledWith('ConcurrentInvocationLimitExceeded')(w.reason);
      assert.equal((await long).functionError, null);
      const short = await Promise.all([small.call('busy', { ms: 300 }), small.call('busy', {}), small.call('busy', {})]);
      assert.deepEqual(
        short.map((s) => s.coldRung),
        [null, null, null],
        'who waited took the instance that freed',
      );
    } finally {
      assert.deepEqual(await small.end(), []);
    }
  });

  test('min: 1 keeps an instance that nobody asked for, and replaces it', async () => {
    await server.deploy('kept', 'tells', { runtime: NODE, handler: 'index.handler', scaling: { min: 1 } });
    const [first] = await until(async () => {
      const { instances } = await server.client.resident('kept');
      return instances.length === 1 ? instances : null;
    });
    process.kill(first!.pid, 'SIGKILL');
    await until(async () => {
      const { instances } = await server.client.resident('kept');
      return instances.length === 1 && instances[0]!.pid !== first!.pid;
    });
    const told = await tellIt('kept');
    assert.equal(told.invocations, 1);
    const { instances } = await server.client.resident('kept');
    await server.client.remove('kept');
    await until(() => instances.every((i) => processOf(i.pid) === null));
  });
});

describe('changes', () => {
  test('a redeployment serves the new code at once; who runs ends on the old', async () => {
    const folder = join(work, 'changing');
    cpSync(join(ROOT, 'test/functions/tells'), folder, { recursive: true });
    const manifest = { runtime: NODE, handler: 'index.handler', timeoutSeconds: 20, environment: { TEXT: 'old' } };
    await server.deploy('changing', folder, manifest);
    await tellIt('changing');
    const before = await server.client.resident('changing');
    const running = tellIt('changing', { ms: 1500 });
    await until(async () => (await server.client.resident('changing')).instances.some((i) => i.state === 'busy'));
    await server.deploy('changing', folder, { ...manifest, environment: { TEXT: 'new' } });
    assert.equal((await tellIt('changing')).text, 'new');
    assert.equal((await running).text, 'old');
    const old = [...before.instances, ...before.snapshots].map((p) => p.pid);
    assert.ok(old.length >= 2);
    await until(() => old.every((pid) => processOf(pid) === null));
    writeFileSync(join(folder, 'index.mjs'), 'export const handler = async () => "other code";\n');
    await server.deploy('changing', folder, manifest);
    assert.equal((await server.call('changing', {})).value, 'other code');
  });

  test('removed, it is gone: calls, processes, log; its usage stays', async () => {
    await server.deploy('removed', 'tells', { runtime: NODE, handler: 'index.handler' });
    await tellIt('removed');
    const { instances, snapshots } = await server.client.resident('removed');
    await server.client.remove('removed');
    await assert.rejects(server.call('removed', {}), (e: unknown) => {
      assert.ok(e instanceof ApiError);
      assert.equal(e.status, 404);
      assert.equal(e.errorType, 'ResourceNotFoundException');
      assert.equal(e.message, 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:removed:$LATEST');
      return true;
    });
    await until(() => [...instances, ...snapshots].every((p) => processOf(p.pid) === null));
    assert.equal((await server.client.usageRecords({ functionName: 'removed', limit: 10 })).length, 1);
  });

  test('a second server on this home is refused, and told which one has it', async () => {
    await assert.rejects(TestServer.start({ home: server.home }), new RegExp(`\\b${process.pid}\\b`));
    const run = await hearth(['up', '--no-deploy', '--port', '0', '--home', server.home]);
    assert.notEqual(run.code, 0);
    assert.match(run.stderr, new RegExp(`\\b${process.pid}\\b`));
    assert.match(run.stderr, /^fix: /m);
    assert.equal((await server.call('changing', {})).value, 'other code', 'the first is not disturbed');
  });

  test('everything is there again after a restart', async () => {
    const before = await server.client.functions();
    const told = await tellIt('tells-node');
    const { home } = server;
    await server.stop();
    server = await TestServer.start({ home });
    const after = await server.client.functions();
    const lasting = (f: (typeof before)[number]): unknown => ({ ...f, instances: 0, resident: '', url: null, stay: null });
    assert.deepEqual(after.map(lasting), before.map(lasting));
    assert.equal((await server.usageOf('tells-node', told.answer.requestId)).outcome, 'ok');
    const texts: string[] = [];
    for await (const line of server.client.logs({ functionName: 'tells-node' }))
      if (line.requestId === told.answer.requestId) texts.push(line.text);
    assert.ok(
      texts.some((t) => t.startsWith('REPORT')),
      texts.join('\n'),
    );
    const again = await tellIt('tells-node');
    assert.equal(again.text, 'hello');
    assert.match(String(again.answer.coldRung), /^(disk|zygote|snapshot)$/); // it may have been made again by then
  });
});
