import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CreateFunctionCommand, InvalidParameterValueException, LambdaClient } from '@aws-sdk/client-lambda';
import { assertThrown, failed, type Document } from './fault-documents.ts';
import { descendants } from './leavings.ts';
import { handlerOf, languages, TestServer, type Called } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';

let server: TestServer;

before(async () => {
  // Lambda's ten seconds for an init phase are four here: what hangs is waited for.
  server = await TestServer.start({ limits: { initMs: 4_000 } });
  for (const { language, runtime, skip } of await languages()) {
    if (skip === false) await server.deploy(`healthy-${language}`, 'behaviours/echo', { runtime, handler: handlerOf(language) });
  }
});

after(async () => {
  assert.deepEqual(await server.end(), []);
  assert.deepEqual(
    descendants(process.pid).filter((p) => p.state !== 'Z'),
    [],
  );
});

for (const { language, runtime, skip } of await languages()) {
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
      const document = await failed(server, own, answer, { outcome });
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
      assert.match(deployed.initError?.errorMessage ?? '', /init is broken/);
    });

    for (const snapshot of ['onDeploy', 'off'])
      test(`closes its output, snapshot ${snapshot}: what is printed is in the log all the same, which says so`, async () => {
        const own = `closes-${snapshot.toLowerCase()}-${language}`;
        const { init } = await server.deploy(own, 'behaviours/init-closes-output', { ...common, snapshot });
        assert.equal(init?.unforkable ?? null, null);
        assert.deepEqual((await server.call(own, {})).value, [false, true, true]);
        assert.deepEqual((await server.call(own, {})).value, [false, true, true]);
        const texts: string[] = [];
        for await (const { text } of server.client.logs({ functionName: own })) texts.push(text);
        const count = (part: string): number => texts.filter((text) => text.includes(part)).length;
        assert.equal(count('hearth: the init phase closed its standard input and standard output and standard error'), 1, texts.join('\n'));
        assert.deepEqual([count('printed by the handler'), count('written by the handler')], [2, 2], texts.join('\n'));
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
  const client = new LambdaClient(clientOptions(server));
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
