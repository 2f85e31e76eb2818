import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LambdaClient, CreateFunctionCommand, InvalidParameterValueException } from '@aws-sdk/client-lambda';
import { descendants, running } from './leavings.ts';
import { handlerOf, languages, TestServer, type Called, type Language } from './platform-server.ts';
import { until } from './until.ts';

const MIB = 1024 * 1024;
const LOG_BYTES = 2 * MIB;

interface Document {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: string[];
  readonly stackTrace?: string[];
  readonly requestId?: string;
}

let server: TestServer;

before(async () => {
  // Lambda's ten seconds for an init phase are four here: what hangs is waited for.
  server = await TestServer.start({ limits: { initMs: 4_000, logBytes: LOG_BYTES } });
});

after(async () => {
  assert.deepEqual(await server.end(), []);
  assert.deepEqual(
    descendants(process.pid).filter((p) => p.state !== 'Z'),
    [],
  );
});

/** The function answered with an error: its document, after checks that hold for every one. */
async function failed(name: string, answer: Called, expected: { outcome: string }): Promise<Document> {
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.functionError, 'Unhandled');
  assert.equal(answer.executedVersion, '$LATEST');
  const usage = await server.usageOf(name, answer.requestId);
  assert.equal(usage.outcome, expected.outcome);
  assert.equal(usage.bytesOut, answer.payload.length);
  assert.ok(usage.billedMs >= usage.durationMs, 'billed time covers the duration');
  return answer.value as Document;
}

/** START, END and REPORT of an invocation, as Lambda writes them. */
function assertReported(answer: Called, status?: string): void {
  const log = answer.logTail ?? '';
  const id = answer.requestId!;
  const tail = status === undefined ? '' : `\\tStatus: ${status}`;
  const figures = `Duration: \\d+\\.\\d\\d ms\\tBilled Duration: \\d+ ms\\tMemory Size: 128 MB\\tMax Memory Used: \\d+ MB`;
  const cold = '(\\t(Init|Restore) Duration: \\d+\\.\\d\\d ms)?';
  assert.match(log, new RegExp(`^END RequestId: ${id}$`, 'm'));
  assert.match(log, new RegExp(`^REPORT RequestId: ${id}\\t${figures}${cold}${tail}\\t$`, 'm'));
}

for (const { language, runtime, skip } of await languages()) {
  describe(`faults of a handler, ${language}`, { skip }, () => {
    const name = `misbehaves-${language}`;
    const healthy = `healthy-${language}`;
    const call = (event: unknown): Promise<Called> => server.call(name, event);

    before(async () => {
      const common = { runtime, handler: handlerOf(language), timeoutSeconds: 2 };
      await server.deploy(name, 'misbehaves', common);
      await server.deploy(healthy, 'behaviours/echo', common);
    });

    /** Runs a fault while another invocation of the same function is under way: only the one is lost, and afterwards all is well. */
    async function alone(event: unknown): Promise<Called> {
      const beside = call({ do: 'sleep', ms: 400 });
      const answer = await call(event);
      const neighbour = await beside;
      assert.equal(neighbour.functionError, null, 'the neighbour was lost too');
      assert.equal(neighbour.value, 'slept');
      await stillWell();
      return answer;
    }

    async function stillWell(): Promise<void> {
      assert.deepEqual((await server.call(healthy, { a: 1 })).value, { a: 1 });
      assert.equal((await call({ do: 'nothing' })).value, 'nothing');
    }

    test('throws', async () => {
      const answer = await alone({ do: 'throw' });
      const document = await failed(name, answer, { outcome: 'error' });
      assertThrown(language, document, { node: 'RangeError', python: 'ValueError', message: 'out of range' });
      if (language === 'python') assert.equal(document.requestId, answer.requestId);
      assertReported(answer);
      const again = await call({ do: 'nothing' });
      assert.equal(again.coldRung, null, 'an instance whose handler threw serves on');
    });

    test('throws and rejects in every way Node.js knows', { skip: language !== 'node' && 'Node.js only' }, async () => {
      const rejected = await failed(name, await alone({ do: 'reject' }), { outcome: 'error' });
      assertThrown(language, rejected, { node: 'TypeError', python: '', message: 'rejected' });
      const text = await failed(name, await alone({ do: 'rejectText' }), { outcome: 'error' });
      assert.deepEqual(text, { errorType: 'string', errorMessage: 'just text', trace: [] });
      await server.deploy('plain-handler', 'misbehaves', { runtime, handler: 'index.plain' });
      const thrown = await failed('plain-handler', await server.call('plain-handler', { do: 'throw' }), { outcome: 'error' });
      assertThrown(language, thrown, { node: 'RangeError', python: '', message: 'out of range' });
    });

    for (const deed of ['hang', 'spin']) {
      test(`never returns (${deed}): the timeout ends it`, async () => {
        const answer = await alone({ do: deed });
        const document = await failed(name, answer, { outcome: 'timeout' });
        assert.deepEqual(document, {
          errorType: 'Sandbox.Timedout',
          errorMessage: `RequestId: ${answer.requestId} Error: Task timed out after 2.00 seconds`,
        });
        assertReported(answer, 'timeout');
        assert.match(answer.logTail ?? '', new RegExp(`^\\S+Z ${answer.requestId} Task timed out after 2.00 seconds$`, 'm'));
      });
    }

    test('never returns: what it started and let go of is ended with it', async () => {
      const marker = language === 'node' ? '86021.25' : '86022.25';
      const hanging = call({ do: 'desert', marker, then: 'hang' });
      await until(() => running(`sleep ${marker}`).length > 0);
      await failed(name, await hanging, { outcome: 'timeout' });
      assert.deepEqual(running(`sleep ${marker}`), []);
      await stillWell();
    });

    test('exits: what it started and let go of is ended with it', async () => {
      const marker = language === 'node' ? '86023.25' : '86024.25';
      const exited = call({ do: 'desert', marker, then: 'exit', code: 1 });
      await failed(name, await exited, { outcome: 'crash' });
      await until(() => running(`sleep ${marker}`).length === 0);
      await stillWell();
    });

    const exits = [
      [{ do: 'exit', code: 0 }, 'Runtime exited without providing a reason'],
      [{ do: 'exit', code: 3 }, 'Runtime exited with error: exit status 3'],
      [{ do: 'kill', signal: 'SIGKILL' }, 'Runtime exited with error: signal: killed'],
      [{ do: 'kill', signal: 'SIGSEGV' }, 'Runtime exited with error: signal: segmentation fault'],
    ] as const;
    for (const [event, words] of exits) {
      test(`ends its process: ${Object.values(event).join(' ')}`, async () => {
        const answer = await alone(event);
        const document = await failed(name, answer, { outcome: 'crash' });
        assert.deepEqual(document, { errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${answer.requestId} Error: ${words}` });
        assertReported(answer, 'error\\tError Type: Runtime.ExitError');
      });
    }

    test('calls sys.exit', { skip: language !== 'python' && 'Python only' }, async () => {
      const answer = await alone({ do: 'sysExit', code: 0 });
      const document = await failed(name, answer, { outcome: 'crash' });
      assert.equal(document.errorType, 'Runtime.ExitError');
      assert.equal(document.errorMessage, `RequestId: ${answer.requestId} Error: Runtime exited without providing a reason`);
    });

    test('allocates past its memory', async () => {
      const answer = await alone({ do: 'allocate' });
      const document = await failed(name, answer, { outcome: 'crash' });
      assert.deepEqual(document, {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${answer.requestId} Error: Runtime exited with error: signal: killed`,
      });
      assert.match(answer.logTail ?? '', /Memory Size: 128 MB\tMax Memory Used: 128 MB\t/);
      assert.equal((await server.usageOf(name, answer.requestId)).memoryUsedMb, 128);
    });

    test('answers what is not JSON', async () => {
      const answer = await alone({ do: 'notJson' });
      const document = await failed(name, answer, { outcome: 'error' });
      assertReported(answer);
      assert.equal(document.errorType, 'Runtime.MarshalError');
      const words =
        language === 'node'
          ? 'Unable to stringify response body as json: Do not know how to serialize a BigInt'
          : 'Unable to marshal response: Object of type set is not JSON serializable';
      assert.equal(document.errorMessage, words);
      const circular = await failed(name, await call({ do: 'circular' }), { outcome: 'error' });
      assert.match(circular.errorMessage, language === 'node' ? /circular structure/ : /^Unable to marshal response: Circular reference/);
    });

    test('answers 7 MB', async () => {
      const answer = await alone({ do: 'large', bytes: 7 * MIB });
      const document = await failed(name, answer, { outcome: 'too_large' });
      assert.deepEqual(document, {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
      });
      assertReported(answer);
      const most = await call({ do: 'large', bytes: 6 * MIB - 2 });
      assert.equal(most.functionError, null);
      assert.equal(most.payload.length, 6 * MIB);
    });

    test('floods stdout: the server stays small and answers others', async () => {
      const before = process.memoryUsage.rss();
      let peak = before;
      const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 10);
      const flooding = server.client.invoke({ functionName: name, payload: Buffer.from('{"do":"flood","lines":100000,"length":1023}') });
      let answered = 0;
      let over = false;
      const done = flooding.finally(() => (over = true));
      while (!over) {
        assert.deepEqual((await server.call(healthy, { a: 1 })).value, { a: 1 });
        answered++;
      }
      const answer = await done;
      clearInterval(watch);
      assert.ok(answered > 0);
      // 100 MB at once is more than the two seconds it has on a slow machine: either end is right, and known.
      if (answer.functionError !== null) assert.equal((JSON.parse(answer.payload.toString()) as Document).errorType, 'Sandbox.Timedout');
      await stillWell();
      assert.ok(peak - before < 150 * MIB, `the server grew by ${Math.round((peak - before) / MIB)} MB`);
      for await (const line of server.client.logs({ functionName: name, tail: 1 })) assert.equal(line.function, name);
      const folder = join(server.home, 'logs', name);
      const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
      assert.ok(bytes <= LOG_BYTES + 2 * MIB, `the log has ${bytes} bytes`);
    });
  });

  describe(`faults of an init phase, ${language}`, { skip }, () => {
    const common = { runtime, handler: handlerOf(language), snapshot: 'onFirstUse' };
    const folder = (node: string, python: string): string => (language === 'node' ? node : python);

    /** Deploys, and calls twice: the second call finds the same fault, not a trace of the first. */
    async function callTwice(
      name: string,
      from: string,
      manifest: Record<string, unknown> = {},
    ): Promise<{ answer: Called; document: Document }> {
      const own = `${name}-${language}`;
      await server.deploy(own, from, { ...common, ...manifest });
      const answer = await server.call(own, {});
      const outcome = (answer.value as Document).errorType === 'Sandbox.Timedout' ? 'timeout' : 'init_error';
      const document = await failed(own, answer, { outcome });
      const again = await server.call(own, {});
      assert.notEqual(again.requestId, answer.requestId);
      assert.equal((again.value as Document).errorType, document.errorType);
      assert.deepEqual((await server.call(`healthy-${language}`, { a: 1 })).value, { a: 1 });
      assert.deepEqual((await server.client.resident(own)).instances, []);
      return { answer, document };
    }

    test('throws', async () => {
      const { document } = await callTwice('init-throws', 'behaviours/init-throws');
      assertThrown(language, document, { node: 'TypeError', python: 'RuntimeError', message: 'init is broken' });
      if (language === 'python') assert.equal(document.requestId, '');
    });

    test('a deployment says that it fails, and is made', async () => {
      const deployed = await server.deploy(`init-throws-${language}`, 'behaviours/init-throws', { ...common, snapshot: 'onDeploy' });
      assert.match(deployed.warnings.join('\n'), /init is broken/);
    });

    test('exits', async () => {
      const { answer, document } = await callTwice('init-exits', 'behaviours/init-exits');
      assert.deepEqual(document, {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${answer.requestId} Error: Runtime exited with error: exit status 3`,
      });
    });

    test('hangs', async () => {
      const { answer, document } = await callTwice('init-hangs', 'behaviours/init-hangs');
      assert.deepEqual(document, {
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${answer.requestId} Error: Task timed out after 4.00 seconds`,
      });
    });

    test('handler is missing in its module', async () => {
      const handler = language === 'node' ? 'index.nowhere' : 'lambda_function.nowhere';
      const { document } = await callTwice('no-handler', 'behaviours/echo', { handler });
      assert.equal(document.errorType, 'Runtime.HandlerNotFound');
      assert.equal(
        document.errorMessage,
        language === 'node' ? 'index.nowhere is undefined or not exported' : "Handler 'nowhere' missing on module 'lambda_function'",
      );
    });

    test('module is missing', async () => {
      const { document } = await callTwice('no-module', 'behaviours/echo', { handler: 'nowhere.handler' });
      assert.equal(document.errorType, 'Runtime.ImportModuleError');
      assert.match(
        document.errorMessage,
        language === 'node' ? /^Error: Cannot find module 'nowhere'/ : /^Unable to import module 'nowhere': No module named 'nowhere'$/,
      );
    });

    test('syntax error', async () => {
      // Written here: a file that is no JavaScript is in the way of every tool that reads the repository.
      const broken = join(server.home, 'broken');
      mkdirSync(broken, { recursive: true });
      writeFileSync(join(broken, 'index.js'), 'function ( {');
      const { document } = await callTwice('syntax', folder(broken, 'python-syntax-error'));
      assert.equal(document.errorType, 'Runtime.UserCodeSyntaxError');
      assert.match(document.errorMessage, language === 'node' ? /^SyntaxError: / : /^Syntax error in module 'lambda_function': /);
    });

    test('dependency is missing', async () => {
      const handler = language === 'node' ? 'missing.handler' : handlerOf(language);
      const { document } = await callTwice('dependency', folder('node-broken', 'python-missing-module'), { handler });
      assert.equal(document.errorType, 'Runtime.ImportModuleError');
      assert.match(
        document.errorMessage,
        language === 'node'
          ? /^Error: Cannot find module 'no-such-package'/
          : /^Unable to import module 'lambda_function': No module named '/,
      );
    });
  });
}

test('an init phase of 12 s works where the timeout allows it', async () => {
  const one = async ({ language, runtime, skip }: Awaited<ReturnType<typeof languages>>[number]): Promise<void> => {
    if (skip !== false) return;
    const name = `init-slow-${language}`;
    const environment = { INIT_MS: '12000' };
    await server.deploy(name, 'behaviours/init-slow', {
      runtime,
      handler: handlerOf(language),
      timeoutSeconds: 30,
      snapshot: 'onFirstUse',
      environment,
    });
    const answer = await server.call(name, { a: language });
    assert.deepEqual(answer.value, { a: language });
    const usage = await server.usageOf(name, answer.requestId);
    assert.ok((usage.initMs ?? 0) >= 12_000, `init took ${usage.initMs} ms`);
    assert.ok(usage.initBilled && usage.billedMs >= 12_000);
    assert.match(answer.logTail ?? '', /\tInit Duration: 1[2-9]\d\d\d\.\d\d ms\t/);
    assert.equal((await server.call(name, { b: 1 })).coldRung, null);
  };
  await Promise.all((await languages()).map(one));
});

test('a zip that is none', async () => {
  const client = new LambdaClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    maxAttempts: 1,
  });
  const create = (ZipFile: Buffer) =>
    client.send(
      new CreateFunctionCommand({
        FunctionName: 'corrupt',
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Role: 'arn:aws:iam::000000000000:role/r',
        Code: { ZipFile },
      }),
    );
  const message = 'Could not unzip uploaded file. Please check your file, then try to upload again.';
  const isRefusal = (error: unknown): boolean => {
    assert.ok(error instanceof InvalidParameterValueException, String(error));
    assert.equal(error.message, message);
    assert.equal(error.$metadata.httpStatusCode, 400);
    return true;
  };
  await assert.rejects(create(Buffer.from('this is no zip')), isRefusal);
  await assert.rejects(create(Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(200, 7)])), isRefusal);
  await assert.rejects(create(Buffer.alloc(0)), (error: Error) => /zip/i.test(error.message) || /empty/i.test(error.message));
  client.destroy();
  assert.ok(!(await server.client.functions()).some((f) => f.name === 'corrupt'));
});

function assertThrown(language: Language, document: Document, expected: { node: string; python: string; message: string }): void {
  assert.equal(document.errorType, expected[language]);
  assert.equal(document.errorMessage, expected.message);
  if (language === 'node') {
    assert.equal(document.trace?.[0], `${expected.node}: ${expected.message}`);
    assert.match(document.trace?.[1] ?? '', /^ {4}at /);
    assert.deepEqual(Object.keys(document), ['errorType', 'errorMessage', 'trace']);
  } else {
    assert.match(document.stackTrace?.at(-1) ?? '', /^ {2}File ".*lambda_function\.py", line \d+, in .+\n {4}raise .+\n$/);
    assert.deepEqual(Object.keys(document).sort(), ['errorMessage', 'errorType', 'requestId', 'stackTrace']);
  }
}
