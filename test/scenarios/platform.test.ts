import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hearth } from '../../src/cli/testing/run-hearth.ts';
import { ApiError } from '../../src/client/errors.ts';
import { readAll } from '../../src/client/body.ts';
import { descendants, processOf, processorTicks } from './leavings.ts';
import { handlerOf, languages, ROOT, TestServer, type Called } from './platform-server.ts';
import { until } from './until.ts';

const MIB = 1024 * 1024;
const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;

/** What test/functions/tells answers. */
interface Told {
  readonly madeAt: number;
  readonly inInit: readonly [number, string];
  readonly now: readonly [number, string];
  readonly uid: number;
  readonly invocations: number;
  readonly mostInFlight: number;
  readonly tmp: readonly string[];
  readonly codeWritable: true | string;
  readonly environment: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, unknown>> & { readonly left: number };
  readonly text: string | null;
}

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

async function tell(name: string, event: Record<string, unknown> = {}): Promise<Told & { answer: Called }> {
  const answer = await server.call(name, event);
  assert.equal(answer.functionError, null, answer.payload.toString());
  return { ...(answer.value as Told), answer };
}

const throttledWith = (reason: string) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.status, 429);
  assert.equal(error.errorType, 'TooManyRequestsException');
  assert.equal(error.message, 'Rate Exceeded.');
  assert.equal(error.body['Reason'], reason);
  return true;
};

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
      const run = await hearth(['deploy', '--json', '--endpoint', server.endpoint], { cwd: project });
      assert.equal(run.code, 0, run.stderr);
      const { functions } = JSON.parse(run.stdout) as {
        functions: { name: string; ok: boolean; deployed: { init: { unforkable: null } } }[];
      };
      assert.equal(functions[0]?.name, name);
      assert.equal(functions[0]?.deployed.init.unforkable, null);
      const cold = await tell(name);
      assert.equal(cold.answer.coldRung, 'snapshot');
      assert.match(cold.answer.logTail ?? '', /\tRestore Duration: \d+\.\d\d ms\t$/m);
      const warm = await tell(name);
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
      const run = await hearth(['deploy', '--json', '--endpoint', server.endpoint], { cwd: join(work, name) });
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
      const [one, two] = await Promise.all([tell(name, { ask: 'one', ms: 50 }), tell(name, { ask: 'two', ms: 50 })]);
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
      const [one, two] = await Promise.all([tell(name, { ms: 300, write: file }), tell(name, { ms: 300 })]);
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
      const told = await tell(name);
      assert.ok(['EROFS', 'EACCES', 'EPERM'].includes(String(told.codeWritable)), String(told.codeWritable));
      if (process.getuid?.() === 0) assert.ok(told.uid >= 1000, `uid ${told.uid}`);
    });

    test('the environment is Lambda’s, with its own variables and none of the server’s', async () => {
      process.env['HEARTH_SCENARIO_SECRET'] = 'secret';
      const { environment: e } = await tell(name, { ask: 'environment' });
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
      const foreign = Object.keys(e).filter((k) => /HEARTH|DATABASE|^PG|NODE_OPTIONS|PYENV/.test(k));
      assert.deepEqual(foreign, []);
    });

    test('the context is the documented one', async () => {
      const { context, answer } = await tell(name, { ask: 'context' });
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
      await tell(own);
      const told = await Promise.all(Array.from({ length: 4 }, () => tell(own, { ms: 400 })));
      assert.equal(Math.max(...told.map((t) => t.mostInFlight)), 4);
      assert.equal((await server.client.resident(own)).instances.length, 1);
    });

    test('snapshots off: each instance runs its own init phase', async () => {
      const own = `no-snapshot-${language}`;
      await server.deploy(own, 'tells', { runtime, handler: handlerOf(language), timeoutSeconds: 10, snapshot: 'off' });
      const [one, two] = await Promise.all([tell(own, { ms: 800 }), tell(own, { ms: 800 })]);
      assert.notEqual(one.inInit[1], two.inInit[1]);
      assert.match(String(one.answer.coldRung), /^(zygote|disk)$/);
      assert.match(one.answer.logTail ?? '', /\tInit Duration: /);
      const { instances, snapshots } = await server.client.resident(own);
      assert.equal(instances.length, 2);
      assert.deepEqual(snapshots, []);
      assert.equal((await tell(own, { ask: 'environment' })).environment['AWS_LAMBDA_INITIALIZATION_TYPE'], 'on-demand');
    });

    test('what can’t be forked starts plainly, and the deployment says why', async () => {
      const own = `unforkable-${language}`;
      const project = join(work, own);
      const from = language === 'node' ? 'node-unforkable' : 'python-thread-in-init';
      cpSync(join(ROOT, 'test/functions', from), join(project, 'code'), { recursive: true });
      const handler = language === 'node' ? 'threads.handler' : handlerOf(language);
      writeFileSync(join(project, 'hearth.yaml'), `functions:\n  ${own}: { runtime: ${runtime}, handler: ${handler}, code: ./code }\n`);
      const run = await hearth(['deploy', '--endpoint', server.endpoint], { cwd: project });
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stderr, new RegExp(`${own} can't be forked, so each instance runs its own init phase: .*thread`));
      assert.equal((await server.call(own, 'x')).functionError, null);
      const [listed] = (await server.client.functions()).filter((f) => f.name === own);
      assert.equal(listed?.resident, 'plain');
    });

    test('idle, it is stopped and uses no processor time; called, it goes on', async () => {
      const [instance] = await until(async () => {
        const { instances } = await server.client.resident(name);
        return instances.length > 0 && instances.every((i) => i.state === 'paused') ? instances : null;
      });
      const { pid } = instance!;
      assert.equal(processOf(pid)?.state, 'T');
      const ticks = processorTicks(pid);
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(processorTicks(pid), ticks);
      assert.equal((await tell(name)).answer.coldRung, null);
    });
  });
}

describe('scaling', () => {
  test('out to twenty at once, each on an instance of its own, and back to nothing', async () => {
    await server.deploy('scales', 'tells', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 20, scaling: { keepAlive: 1 } });
    const told = await Promise.all(Array.from({ length: 20 }, () => tell('scales', { ms: 1500 })));
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
    assert.equal((await tell('scales')).answer.coldRung, 'snapshot', 'the snapshot outlives its instances');
  });

  test('reserved concurrency: one more than it allows is refused at once', async () => {
    await server.deploy('reserved', 'tells', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 20, scaling: { max: 2 } });
    const running = [tell('reserved', { ms: 1000 }), tell('reserved', { ms: 1000 })];
    await until(async () => (await server.client.resident('reserved')).instances.filter((i) => i.state === 'busy').length === 2);
    await assert.rejects(server.call('reserved', {}), throttledWith('ReservedFunctionConcurrentInvocationLimitExceeded'));
    await Promise.all(running);
    assert.equal((await tell('reserved')).answer.coldRung, null);
  });

  test('a function with max: 0 is switched off', async () => {
    await server.deploy('off', 'tells', { runtime: NODE, handler: 'index.handler', scaling: { max: 0 } });
    await assert.rejects(server.call('off', {}), throttledWith('ReservedFunctionConcurrentInvocationLimitExceeded'));
  });

  test('a full machine: some wait for their turn, too many or too long are refused', async () => {
    const small = await TestServer.start({ limits: { instances: 1, queueLength: 2, queueMs: 700 } });
    try {
      await small.deploy('busy', 'tells', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 20 });
      await small.call('busy', {});
      const long = small.call('busy', { ms: 2500 });
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
    const told = await tell('kept');
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
    await tell('changing');
    const before = await server.client.resident('changing');
    const running = tell('changing', { ms: 1500 });
    await until(async () => (await server.client.resident('changing')).instances.some((i) => i.state === 'busy'));
    await server.deploy('changing', folder, { ...manifest, environment: { TEXT: 'new' } });
    assert.equal((await tell('changing')).text, 'new');
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
    await tell('removed');
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
    const told = await tell('tells-node');
    const { home } = server;
    await server.stop();
    server = await TestServer.start({ home });
    const after = await server.client.functions();
    const lasting = (f: (typeof before)[number]): unknown => ({ ...f, instances: 0, resident: '', url: null });
    assert.deepEqual(after.map(lasting), before.map(lasting));
    assert.equal((await server.usageOf('tells-node', told.answer.requestId)).outcome, 'ok');
    const texts: string[] = [];
    for await (const line of server.client.logs({ functionName: 'tells-node' }))
      if (line.requestId === told.answer.requestId) texts.push(line.text);
    assert.ok(
      texts.some((t) => t.startsWith('REPORT')),
      texts.join('\n'),
    );
    const again = await tell('tells-node');
    assert.equal(again.text, 'hello');
    assert.match(String(again.answer.coldRung), /^(disk|zygote)$/);
  });
});

describe('function URLs', () => {
  before(() =>
    server.deploy('url-echo', 'url-echo', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 10, url: { auth: 'none' } }),
  );

  test('by path and by host, bytes both ways', async () => {
    const bytes = randomBytes(3 * MIB);
    const digest = createHash('sha256').update(bytes).digest('hex');
    for (const [path, host] of [
      ['/fn/url-echo/a%20b/c', undefined],
      ['/a%20b/c', 'url-echo.fn.localhost'],
    ] as const) {
      const answer = await raw(path, { host, body: bytes, type: 'image/jpeg' });
      assert.equal(answer.status, 201);
      assert.equal(answer.headers['content-type'], 'image/jpeg');
      assert.equal(answer.headers['x-path'], '/a%20b/c');
      assert.deepEqual(answer.headers['set-cookie'], ['a=1; Path=/', 'b=2']);
      assert.equal(createHash('sha256').update(answer.body).digest('hex'), digest);
    }
  });

  test('the event is payload format 2.0', async () => {
    const answer = await raw('/fn/url-echo/see?a=1&a=2&b=%C3%A4', { body: Buffer.from('{"x":1}'), type: 'application/json' });
    const { event } = JSON.parse(answer.body.toString()) as { event: Record<string, unknown> & { requestContext: { http: unknown } } };
    assert.equal(event['version'], '2.0');
    assert.equal(event['rawPath'], '/see');
    assert.equal(event['rawQueryString'], 'a=1&a=2&b=%C3%A4');
    assert.deepEqual(event['queryStringParameters'], { a: '1,2', b: 'ä' });
    assert.equal(event['body'], '{"x":1}');
    assert.equal(event['isBase64Encoded'], false);
    assert.deepEqual(event.requestContext.http, {
      method: 'POST',
      path: '/see',
      protocol: 'HTTP/1.1',
      sourceIp: '127.0.0.1',
      userAgent: 'scenario',
    });
  });

  test('six megabytes are taken, one byte more is not, also when its length is not announced', async () => {
    const whole = await raw('/fn/url-echo/size', { body: Buffer.alloc(6 * MIB, 7) });
    assert.deepEqual(JSON.parse(whole.body.toString()), { bytes: 6 * MIB, isBase64Encoded: true });
    for (const chunked of [false, true]) {
      const over = await raw('/fn/url-echo/size', { body: Buffer.alloc(6 * MIB + 1, 7), chunked });
      assert.equal(over.status, 413);
    }
    const invoke = await raw('/2015-03-31/functions/url-echo/invocations', { body: Buffer.alloc(6 * MIB + 1, 32) });
    assert.equal(invoke.status, 413);
    assert.equal(invoke.headers['x-amzn-errortype'], 'RequestTooLargeException');
  });

  test('an error of the function is a 502 that gives nothing away', async () => {
    const answer = await raw('/fn/url-echo/throw', { body: Buffer.alloc(0) });
    assert.equal(answer.status, 502);
    assert.doesNotMatch(answer.body.toString(), /secret/);
    assert.equal((await raw('/fn/tells-node/', { body: Buffer.alloc(0) })).status, 403, 'a function without a URL');
    assert.equal((await raw('/fn/nobody/', { body: Buffer.alloc(0) })).status, 404);
  });

  test('a body that is not JSON is refused by Invoke as on Lambda', async () => {
    for (const name of ['url-echo', 'tells-python']) {
      const answer = await raw(`/2015-03-31/functions/${name}/invocations`, { body: Buffer.from('{nonsense') });
      if (answer.status === 404) continue; // no Python here
      assert.equal(answer.status, 400);
      assert.equal(answer.headers['x-amzn-errortype'], 'InvalidRequestContentException');
      assert.match((JSON.parse(answer.body.toString()) as { message: string }).message, /^Could not parse request body into json: /);
    }
  });
});

describe('custom runtimes', () => {
  test('a bootstrap that speaks the Runtime API', async () => {
    await server.deploy('custom', 'provided-shell', { runtime: 'provided.al2023', handler: 'none', timeoutSeconds: 10 });
    const answer = await server.call('custom', { from: 'shell' });
    assert.deepEqual(answer.value, { from: 'shell' });
    assert.match(answer.logTail ?? '', /^handling /m);
    assert.equal((await server.call('custom', { b: 2 })).coldRung, null);
    await server.client.remove('custom');
  });

  test('one that exits without a word, again and again', async () => {
    await server.deploy('custom-exits', 'provided-exits', { runtime: 'provided.al2023', handler: 'none' });
    for (let i = 0; i < 10; i++) {
      const answer = await server.call('custom-exits', {});
      const { errorType, errorMessage } = answer.value as { errorType: string; errorMessage: string };
      assert.equal(errorType, 'Runtime.ExitError');
      assert.equal(errorMessage, `RequestId: ${answer.requestId} Error: Runtime exited with error: exit status 3`);
    }
  });
});

interface Raw {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

/** A request as curl sends it. */
function raw(path: string, o: { body: Buffer; host?: string | undefined; type?: string; chunked?: boolean }): Promise<Raw> {
  const { hostname, port } = new URL(server.endpoint);
  const headers: Record<string, string> = { 'user-agent': 'scenario', 'content-type': o.type ?? 'application/octet-stream' };
  if (o.host !== undefined) headers['host'] = `${o.host}:${port}`;
  if (o.chunked === true) headers['transfer-encoding'] = 'chunked';
  else headers['content-length'] = String(o.body.length);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method: 'POST', headers, agent: false });
    let answered = false;
    outgoing.on('error', (error) => answered || reject(error));
    outgoing.on('response', (incoming) => {
      answered = true;
      readAll(incoming).then((body) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }), reject);
    });
    outgoing.end(o.body);
  });
}
