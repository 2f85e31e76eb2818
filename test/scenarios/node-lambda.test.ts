import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { InvokeCommand, LambdaClient, waitUntilFunctionUpdatedV2 } from '@aws-sdk/client-lambda';
import { npmPackages } from './packages.ts';
import { TestServer } from './platform-server.ts';
import { credentialsOf } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;

let server: TestServer;
const folder = mkdtempSync(join(tmpdir(), 'hearth-node-lambda-'));
const code = join(folder, 'code');
const temporary = join(folder, 'tmp'); // where node-lambda leaves what it copied
for (const path of [code, temporary]) mkdirSync(path);
before(async () => {
  server = await TestServer.start();
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
});

test('node-lambda deploys, and deploys again', async (t) => {
  const found = await npmPackages({ 'node-lambda': '1.3.0' });
  if (found.missing !== null) return t.skip(found.missing);
  const program = join(found.root, 'node_modules/node-lambda/bin/node-lambda');
  const { accessKeyId, secretAccessKey } = credentialsOf(server.home);
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: temporary,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT: server.endpoint,
    AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
  };
  const where = ['--region', 'us-east-1', '--environment', 'test', '--role', 'arn:aws:iam::000000000000:role/r'];
  const what = ['--functionName', 'fn', '--handler', 'index.handler', '--runtime', NODE, '--memorySize', '256', '--timeout', '5'];
  const deploy = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const args = [program, 'deploy', ...where, ...what, '--endpoint', server.endpoint];
      execFile(process.execPath, args, { cwd: code, env }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(stderr + stdout)),
      );
    });
  writeFileSync(join(code, 'package.json'), JSON.stringify({ name: 'fn', version: '1.0.0' }));
  const client = new LambdaClient({ endpoint: server.endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } });
  for (const said of ['first', 'second']) {
    writeFileSync(join(code, 'index.js'), `exports.handler = async () => '${said}';`);
    await deploy();
    // The code before serves until the new is ready.
    await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 30 }, { FunctionName: 'fn-test' });
    await until(async () => {
      const { Payload } = await client.send(new InvokeCommand({ FunctionName: 'fn-test' }));
      return Buffer.from(Payload ?? []).toString() === `"${said}"`;
    });
  }
  client.destroy();
});
