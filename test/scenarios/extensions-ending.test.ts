import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { CreateFunctionCommand, InvokeCommand, LambdaClient, PublishLayerVersionCommand, type Runtime } from '@aws-sdk/client-lambda';
import { ZipFile } from 'yazl';
import { zipOf } from '../../src/control/testing/plane.ts';
import { languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

/** Tells of each event and quits when it is told to; tidies up for as long as it is let. */
const extension = (does: string): string => `#!${process.execPath}
'use strict';
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2020-01-01/extension/';
const name = require('node:path').basename(__filename);
(async () => {
  const registered = await fetch(base + 'register', { method: 'POST', headers: { 'Lambda-Extension-Name': name }, body: JSON.stringify({ events: ['INVOKE', 'SHUTDOWN'] }) });
  const mine = { 'Lambda-Extension-Identifier': registered.headers.get('lambda-extension-identifier') };
  for (;;) {
    const { eventType } = await (await fetch(base + 'event/next', { headers: mine })).json();
    ${does}
  }
})();
`;
const TIDIES = extension(`if (eventType === 'SHUTDOWN') {
      await fetch(process.env.ASK, { method: 'POST', body: 'tidies' });
      return setInterval(() => {}, 60_000);
    }`);
const FRAIL =
  extension(`const told = eventType === 'INVOKE' ? await (await fetch(process.env.ASK, { method: 'POST', body: 'asks' })).text() : 'quit';
    if (told === 'quit') process.exit(7);`);
const FUNCTION = `exports.handler = async (event) => {
  if (event.exits) process.exit(1);
  if (event.hangs) await new Promise((done) => setTimeout(done, 60_000));
  return 'fine';
};`;

let server: TestServer;
let lambda: LambdaClient;
let asked: Server;
let verdict: 'stay' | 'quit' = 'stay';
let tidying = 0;
const [node] = await languages();

before(async () => {
  asked = createServer((request, response) => {
    void text(request).then((what) => {
      if (what === 'tidies') tidying++;
      response.end(verdict);
    });
  }).listen(0, '127.0.0.1');
  await once(asked, 'listening');
  server = await TestServer.start();
  lambda = new LambdaClient(clientOptions(server));
});
after(async () => {
  lambda.destroy();
  assert.deepEqual(await server.end(), []);
  asked.closeAllConnections();
  asked.close();
});

async function create(FunctionName: string): Promise<void> {
  const layer = new ZipFile();
  for (const [name, code] of Object.entries({ tidies: TIDIES, frail: FRAIL }))
    layer.addBuffer(Buffer.from(code), `extensions/${name}`, { mode: 0o100755 });
  layer.end();
  const Content = { ZipFile: await buffer(layer.outputStream as Readable) };
  const { LayerVersionArn } = await lambda.send(new PublishLayerVersionCommand({ LayerName: FunctionName, Content }));
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: node?.runtime as Runtime,
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/r',
      Code: { ZipFile: await zipOf({ 'index.js': FUNCTION }) },
      Layers: [LayerVersionArn ?? ''],
      Timeout: 30,
      Environment: { Variables: { ASK: `http://127.0.0.1:${(asked.address() as AddressInfo).port}/` } },
    }),
  );
  assert.equal(await invoke(FunctionName), '"fine"');
}

async function invoke(FunctionName: string, event: object = {}): Promise<string> {
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }));
  return Buffer.from(Payload ?? []).toString();
}

describe('while the extensions of an instance that has ended tidy up, calls go to others', () => {
  test('once its process ended under a call', async () => {
    await create('exits');
    assert.match(await invoke('exits', { exits: true }), /Runtime\.ExitError/);
    assert.equal(await invoke('exits'), '"fine"');
  });

  test('once its process ended while nothing ran', async () => {
    await create('killed');
    const { instances } = await server.client.resident('killed');
    const before = tidying;
    process.kill(instances[0]?.pid ?? assert.fail('no instance'), 'SIGKILL');
    await until(() => tidying > before);
    assert.equal(await invoke('killed'), '"fine"');
  });

  test('once one of its extensions crashed', async () => {
    await create('crashes');
    verdict = 'quit';
    assert.match(await invoke('crashes', { hangs: true }), /Extension\.Crash/);
    verdict = 'stay';
    assert.equal(await invoke('crashes'), '"fine"');
  });
});
