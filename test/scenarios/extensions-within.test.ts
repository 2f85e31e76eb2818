import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ZipFile } from 'yazl';
import { TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';

/** A custom runtime with an extension in its own process; an answer waits until that has heard of the invocation, and tells all that it was told. */
const BOOTSTRAP = `#!${process.execPath}
'use strict';
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API;
const call = (method, where, headers, body) => fetch(base + where, { method, headers, body: body && JSON.stringify(body) });
const register = (events) => call('POST', '/2020-01-01/extension/register', { 'Lambda-Extension-Name': 'within' }, { events });
const waiting = new Map();
const heard = (id) => {
  if (!waiting.has(id)) {
    const entry = {};
    entry.promise = new Promise((resolve) => (entry.resolve = resolve));
    waiting.set(id, entry);
  }
  return waiting.get(id);
};
(async () => {
  const refused = await register(['SHUTDOWN']);
  const registered = await register(['INVOKE']);
  const mine = { 'Lambda-Extension-Identifier': registered.headers.get('lambda-extension-identifier') };
  void (async () => {
    for (;;) {
      const event = await (await call('GET', '/2020-01-01/extension/event/next', mine)).json();
      heard(event.requestId).resolve(event.eventType);
    }
  })();
  const said = [[refused.status, (await refused.json()).errorType], registered.status];
  for (;;) {
    const next = await call('GET', '/2018-06-01/runtime/invocation/next');
    await next.text();
    const id = next.headers.get('lambda-runtime-aws-request-id');
    const late = await register([]);
    const answer = [...said, await heard(id).promise, [late.status, (await late.json()).errorType]];
    await call('POST', '/2018-06-01/runtime/invocation/' + id + '/response', {}, answer);
  }
})();
`;

let server: TestServer;
let lambda: LambdaClient;
before(async () => {
  server = await TestServer.start();
  lambda = new LambdaClient(clientOptions(server));
});
after(async () => {
  lambda.destroy();
  assert.deepEqual(await server.end(), []);
});

test('an extension within a custom runtime registers at the Runtime API’s address and hears of each invocation', async () => {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(BOOTSTRAP), 'bootstrap', { mode: 0o100755 });
  zip.end();
  const common = { FunctionName: 'within', Handler: 'h', Role: 'arn:aws:iam::000000000000:role/r', Timeout: 30 };
  const Code = { ZipFile: await buffer(zip.outputStream as Readable) };
  await lambda.send(new CreateFunctionCommand({ ...common, Runtime: 'provided.al2023', Code }));
  const told = [[403, 'Extension.InvalidEventType'], 200, 'INVOKE', [403, 'Extension.RegistrationClosed']];
  for (let i = 0; i < 3; i++) {
    const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName: 'within' }));
    assert.deepEqual([JSON.parse(Buffer.from(Payload ?? []).toString()), FunctionError], [told, undefined]);
  }
  const lines: string[] = [];
  for await (const { text } of server.client.logs({ functionName: 'within' })) lines.push(text);
  assert.ok(lines.includes('EXTENSION\tName: within\tState: Ready\tEvents: [INVOKE]'), lines.join('\n'));
  assert.match(JSON.stringify(await server.client.resident('within')), /a custom runtime can't be forked/);
});
