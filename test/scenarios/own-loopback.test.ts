import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { CreateFunctionCommand, InvokeCommand, LambdaClient, PublishLayerVersionCommand, type Runtime } from '@aws-sdk/client-lambda';
import { ZipFile } from 'yazl';
import { zipOf } from '../../src/control/testing/plane.ts';
import { deferred } from '../../src/lib/deferred.ts';
import { abilities } from '../contracts/fork-driver-subject.ts';
import { Diary } from './diary.ts';
import { cgroupsOf, stillThere } from './leavings.ts';
import { ServerProcess } from './platform-process.ts';
import { languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

/** Listens where AWS's own extension for parameters and secrets does, for its instance's log where agents do, and answers with a name of its own. */
const AGENT = `#!${process.execPath}
'use strict';
const http = require('node:http');
const me = require('node:crypto').randomUUID();
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API;
(async () => {
  const registered = await fetch(base + '/2020-01-01/extension/register', { method: 'POST', headers: { 'Lambda-Extension-Name': 'agent' }, body: '{"events":["INVOKE"]}' });
  const mine = { 'Lambda-Extension-Identifier': registered.headers.get('lambda-extension-identifier') };
  const lines = [];
  const records = http.createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    lines.push(...JSON.parse(text).map((r) => String(r.record).trim()));
    response.end();
  });
  await new Promise((done) => records.listen(4243, 'sandbox', done));
  await fetch(base + '/2022-07-01/telemetry', { method: 'PUT', headers: mine, body: JSON.stringify({ schemaVersion: '2022-12-13', types: ['function'], buffering: { timeoutMs: 25, maxItems: 1000, maxBytes: 262144 }, destination: { protocol: 'HTTP', URI: 'http://sandbox.localdomain:4243/' } }) });
  await new Promise((done) => http.createServer((request, response) => response.end(request.url === '/lines' ? JSON.stringify(lines) : me)).listen(2773, '127.0.0.1', done));
  for (;;) await (await fetch(base + '/2020-01-01/extension/event/next', { headers: mine })).text();
})();
`;

/** Asks its own agent, waits until the test says so, and asks again. */
const NODE = `
const ask = async (path) => (await fetch('http://localhost:2773' + path)).text();
exports.handler = async (event) => {
  const first = await ask('/');
  console.log('said by ' + first);
  await fetch(process.env.DIARY, { method: 'POST', body: JSON.stringify({ n: 0, requestId: '', event: { agent: first } }) }).then((r) => r.text());
  for (;;) {
    const lines = JSON.parse(await ask('/lines'));
    if (lines.some((line) => line.includes('said by'))) return { first, again: await ask('/'), lines };
    await new Promise((done) => setTimeout(done, 20));
  }
};`;
const PYTHON = `
import json, os, urllib.request
def ask():
    return urllib.request.urlopen("http://127.0.0.1:2773/").read().decode()
def handler(event, context):
    first = ask()
    body = json.dumps({"n": 0, "requestId": "", "event": {"agent": first}}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["DIARY"], data=body)).read()
    return {"first": first, "again": ask(), "lines": []}
`;

/** As AWS's web adapter: an application on port 8080 beside what asks for events. */
const ADAPTER = `#!${process.execPath}
'use strict';
const http = require('node:http');
const me = require('node:crypto').randomUUID();
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
const ask = async () => (await fetch('http://127.0.0.1:8080/')).text();
http.createServer((request, response) => response.end(me)).listen(8080, '0.0.0.0', async () => {
  for (;;) {
    const next = await fetch(base + 'next');
    await next.text();
    const first = await ask();
    await fetch(process.env.DIARY, { method: 'POST', body: JSON.stringify({ n: 0, requestId: '', event: { agent: first } }) }).then((r) => r.text());
    const id = next.headers.get('lambda-runtime-aws-request-id');
    await fetch(base + id + '/response', { method: 'POST', body: JSON.stringify({ first, again: me, lines: [] }) });
  }
});
`;

/** A server in the init phase, on all addresses of both families: such a function is not forked. */
const LISTENS = `
const http = require('node:http');
const me = require('node:crypto').randomUUID();
const server = http.createServer((request, response) => response.end(me));
server.listen(8080);
exports.handler = async () => {
  const ask = async (host) => (await fetch('http://' + host + ':8080/')).text();
  const answers = [await ask('localhost'), await ask('127.0.0.1'), await ask('[::1]')];
  await fetch(process.env.DIARY, { method: 'POST', body: JSON.stringify({ n: 0, requestId: '', event: { agent: me, address: server.address() } }) }).then((r) => r.text());
  return { first: answers[0], again: new Set(answers).size === 1 ? me : answers.join(), lines: [] };
};`;

interface Answer {
  readonly first: string;
  readonly again: string;
  readonly lines: readonly string[];
}

const [node, python] = await languages();
const missing = !abilities.root ? 'the server is not root' : (abilities.noLoopbacks ?? abilities.noMounts);

describe('instances that listen on the same port, each on a loopback of its own', { skip: missing ?? false }, () => {
  let server: TestServer;
  let lambda: LambdaClient;
  let diary: Diary;
  let layer = '';
  before(async () => {
    server = await TestServer.start();
    diary = await Diary.open();
    lambda = new LambdaClient(clientOptions(server));
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from(AGENT), 'extensions/agent', { mode: 0o100755 });
    zip.end();
    const Content = { ZipFile: await buffer(zip.outputStream as Readable) };
    layer = (await lambda.send(new PublishLayerVersionCommand({ LayerName: 'agent', Content }))).LayerVersionArn ?? '';
  });
  after(async () => {
    lambda.destroy();
    assert.deepEqual(await server.end(), []);
    await diary[Symbol.asyncDispose]();
  });

  const create = async (FunctionName: string, o: { runtime: string | undefined; files: Buffer; layers?: string[] }): Promise<void> => {
    const { runtime, files, layers = [] } = o;
    const Environment = { Variables: { DIARY: diary.url } };
    const Code = { ZipFile: files };
    const Role = 'arn:aws:iam::000000000000:role/r';
    const more = { Layers: layers, Timeout: 60, Environment };
    await lambda.send(
      new CreateFunctionCommand({ FunctionName, Runtime: runtime as Runtime, Handler: 'index.handler', Role, Code, ...more }),
    );
  };

  const invoke = async (FunctionName: string): Promise<Answer> => {
    const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName }));
    const text = Buffer.from(Payload ?? []).toString();
    assert.equal(FunctionError, undefined, text);
    return JSON.parse(text) as Answer;
  };

  /** So many at once, none of which ends before all run. */
  const together = async (name: string, count: number): Promise<Answer[]> => {
    const [hold, before] = [deferred<void>(), diary.entries.length];
    diary.hold = hold.promise;
    const calls = Promise.all(Array.from({ length: count }, () => invoke(name)));
    calls.catch(() => hold.resolve());
    await Promise.race([calls, until(() => diary.entries.length === before + count)]);
    hold.resolve();
    const answers = await calls;
    assert.equal(new Set(answers.map((a) => a.first)).size, count, 'each has a server of its own');
    for (const { first, again } of answers) assert.equal(again, first);
    return answers;
  };

  test('an extension on a fixed port, which is also sent the telemetry of its own instance alone', async () => {
    await create('agents', { runtime: node?.runtime, files: await zipOf({ 'index.js': NODE }), layers: [layer] });
    for (const { first, lines } of await together('agents', 6))
      for (const line of lines) if (line.includes('said by')) assert.ok(line.includes(first), `${line} of ${first}`);
  });

  test('the same asked by a handler in Python', { skip: python?.skip ?? false }, async () => {
    await create('agents-python', { runtime: python?.runtime, files: await zipOf({ 'index.py': PYTHON }), layers: [layer] });
    await together('agents-python', 2);
  });

  test('an application of its own on 0.0.0.0:8080, as web adapters run it: twenty of them', async () => {
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from(ADAPTER), 'bootstrap', { mode: 0o100755 });
    zip.end();
    await create('adapter', { runtime: 'provided.al2023', files: await buffer(zip.outputStream as Readable) });
    await together('adapter', 20);
  });

  test('a handler that listens on all addresses from its init phase on, by every name of localhost; nothing of it is seen outside', async () => {
    await create('listens', { runtime: node?.runtime, files: await zipOf({ 'index.js': LISTENS }) });
    await together('listens', 3);
    await assert.rejects(fetch('http://127.0.0.1:8080/'));
    assert.match(JSON.stringify(diary.entries.at(-1)?.event), /"port":8080/);
  });

  test('what listens on the machine is reached where no instance listens', async () => {
    const code = `exports.handler = async ({ url }) => ({ first: await (await fetch(url)).text(), again: '', lines: [] });`;
    await create('outside', { runtime: node?.runtime, files: await zipOf({ 'index.js': code }), layers: [layer] });
    const host: Server = createServer((_, response) => response.end('the machine'));
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const { port } = host.address() as AddressInfo;
    const { Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: 'outside', Payload: JSON.stringify({ url: `http://localhost:${port}/` }) }),
    );
    host.closeAllConnections();
    host.close();
    assert.match(Buffer.from(Payload ?? []).toString(), /the machine/);
  });
});

test('a server that was killed leaves its cgroups to the next, which removes them', { skip: missing ?? false }, async () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-loopback-'));
  try {
    const first = await ServerProcess.start({ home });
    await first.deploy('custom', 'provided-node', { runtime: 'provided.al2023', handler: 'x' });
    await first.call('custom', {});
    const { pid } = first;
    const family = first.family();
    assert.ok(cgroupsOf(pid).length > 1, 'its own, and that of an instance');
    await first.end('SIGKILL');
    await until(() => stillThere(family).length === 0);
    assert.ok(cgroupsOf(pid).length > 0);
    const next = await ServerProcess.start({ home });
    assert.deepEqual(cgroupsOf(pid), []);
    const { pid: nextPid } = next;
    await next.end('SIGTERM');
    assert.deepEqual(cgroupsOf(nextPid), []);
  } finally {
    await ServerProcess.endAll();
    rmSync(home, { recursive: true, force: true });
  }
});
