import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CollectedLog, invocation, openExecDriver, startSpec } from '../../src/drivers/exec/testing/fixtures.ts';
import { InitFailure, type DriverInstance } from '../../src/fleet/driver.ts';
import { builtNpmPackages } from './packages.ts';

const HANDLER = `
exports.handler = async (event, context) => {
  console.log('printed for', context.awsRequestId);
  if (event.fail) throw new RangeError('on purpose');
  return { event, arn: context.invokedFunctionArn, client: context.clientContext.custom, stream: context.logStreamName, remaining: context.getRemainingTimeInMillis() > 0 };
};
exports.streams = awslambda.streamifyResponse(async (event, stream) => {
  for (const part of event.parts) stream.write(part);
  stream.end();
});
`;

/** What a server gives every function; the client looks that it is there. */
const ENVIRONMENT = {
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/demo',
};

describe('AWS’s own runtime interface client for Node.js, unmodified', { timeout: 600_000 }, () => {
  const { driver, close } = openExecDriver(6 << 20);
  let folder = '';
  let missing: string | null = null;

  before(async () => {
    const built = await builtNpmPackages({ 'aws-lambda-ric': '4.0.2' });
    missing = built.missing;
    folder = await mkdtemp(join(tmpdir(), 'hearth-node-ric-'));
    if (built.root === null) return;
    await cp(join(built.root, 'node_modules'), join(folder, 'node_modules'), { recursive: true });
    await writeFile(join(folder, 'index.js'), HANDLER);
    const bootstrap = `#!/bin/sh\nexec ${process.execPath} node_modules/aws-lambda-ric/index.mjs "$_HANDLER"\n`;
    await writeFile(join(folder, 'bootstrap'), bootstrap, { mode: 0o755 });
  });
  after(async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (handler: string, log: CollectedLog): Promise<DriverInstance> =>
    driver.start(startSpec(folder, { environment: { ...ENVIRONMENT, _HANDLER: handler } }), { instanceId: 'i', logStream: 'stream', log });

  it('serves invocations and reports errors', async (t) => {
    if (missing !== null) return t.skip(missing);
    const log = new CollectedLog();
    const instance = await start('index.handler', log);
    const good = await instance.invoke(invocation({ n: 1 }, 'r-1'), Date.now() + 60_000);
    await good.logged;
    assert.equal(good.errorType, null, good.body.toString());
    assert.deepEqual(JSON.parse(good.body.toString()), {
      event: { n: 1 },
      arn: 'arn:demo',
      client: { name: 'é\n' },
      stream: 'stream',
      remaining: true,
    });
    assert.ok(
      log.of('r-1').some((line) => line.includes('printed for r-1')),
      JSON.stringify(log.lines),
    );
    const bad = await instance.invoke(invocation({ fail: true }, 'r-2'), Date.now() + 60_000);
    assert.equal(bad.errorType, 'RangeError');
    const document = JSON.parse(bad.body.toString()) as { errorMessage: string; trace: string[] };
    assert.deepEqual([document.errorMessage, Array.isArray(document.trace)], ['on purpose', true]);
    await instance.kill();
  });

  it('streams', async (t) => {
    if (missing !== null) return t.skip(missing);
    const instance = await start('index.streams', new CollectedLog());
    const answer = await instance.invoke(invocation({ parts: ['one ', 'two'] }, 'r-3'), Date.now() + 60_000);
    assert.deepEqual([answer.errorType, answer.body.toString()], [null, 'one two']);
    await instance.kill();
  });

  it('reports a failed init phase', async (t) => {
    if (missing !== null) return t.skip(missing);
    await assert.rejects(start('nothing_here.handler', new CollectedLog()), (error: unknown) => {
      assert.ok(error instanceof InitFailure, String(error));
      assert.equal(error.errorType, 'Runtime.ImportModuleError');
      return true;
    });
  });
});
