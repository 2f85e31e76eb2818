import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PublishLayerVersionCommand,
  type Runtime,
} from '@aws-sdk/client-lambda';
import { ZipFile } from 'yazl';
import type { LogLine } from '../../src/client/answers.ts';
import { zipOf } from '../../src/control/testing/plane.ts';
import { Diary } from './diary.ts';
import { abilities } from '../contracts/fork-driver-subject.ts';
import { languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';
import { clientOptions } from './server-credentials.ts';

/** An extension as anybody writes one: it registers, subscribes where it is told to, and tells of all that it hears. */
const WATCHER = `#!${process.execPath}
'use strict';
const http = require('node:http');
const path = require('node:path');
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API;
const name = path.basename(__filename);
const tell = async (event) => (await fetch(process.env.DIARY, { method: 'POST', body: JSON.stringify({ n: 0, requestId: '', event: { of: name, ...event } }) })).text();
const call = (method, where, headers, body) => fetch(base + where, { method, headers, body: body && JSON.stringify(body) });
(async () => {
  console.log(name + ' prints');
  const registered = await call('POST', '/2020-01-01/extension/register', { 'Lambda-Extension-Name': name, 'Lambda-Extension-Accept-Feature': 'accountId' }, { events: ['INVOKE', 'SHUTDOWN'] });
  const id = registered.headers.get('lambda-extension-identifier');
  const mine = { 'Lambda-Extension-Identifier': id };
  await tell({ what: 'registered', status: registered.status, body: await registered.json(), handler: process.env._HANDLER ?? null });
  const again = await call('POST', '/2020-01-01/extension/register', { 'Lambda-Extension-Name': name }, { events: [] });
  const unknown = await call('GET', '/2020-01-01/extension/event/next', {});
  await tell({ what: 'refused', again: [again.status, (await again.json()).errorType], unknown: [unknown.status, (await unknown.json()).errorType] });
  if (process.env.INIT_ERROR) {
    await call('POST', '/2020-01-01/extension/init/error', { ...mine, 'Lambda-Extension-Function-Error-Type': 'Extension.NoConfig' }, { errorMessage: 'no config' });
    await new Promise(() => {});
  }
  const listener = http.createServer((request, response) => {
    let text = '';
    request.on('data', (part) => (text += part));
    request.on('end', () => (response.end(), tell({ what: 'records', at: request.url, records: JSON.parse(text) })));
  });
  await new Promise((done) => listener.listen(0, process.env.LISTEN_ON ?? '127.0.0.1', done));
  const subscribe = (where, types, more) => call('PUT', where, mine, { types, buffering: { timeoutMs: 25, maxItems: 1000, maxBytes: 262144 }, destination: { protocol: 'HTTP', URI: 'http://sandbox.localdomain:' + listener.address().port + '/' + (more.schemaVersion ?? 'logs') }, ...more });
  const bad = await subscribe('/2022-07-01/telemetry', ['everything'], { schemaVersion: '2022-12-13' });
  const good = await subscribe('/2022-07-01/telemetry', ['platform', 'function', 'extension'], { schemaVersion: '2022-12-13' });
  const old = await subscribe('/2020-08-15/logs', ['function', 'platform'], {});
  await tell({ what: 'subscribed', bad: bad.status, good: [good.status, await good.text()], old: old.status });
  for (;;) {
    const response = await call('GET', '/2020-01-01/extension/event/next', mine);
    const event = await response.json();
    await tell({ what: event.eventType, event });
    if (event.eventType === 'SHUTDOWN') return process.exit(0);
    if (process.env.CRASH) process.exit(7);
    if (process.env.SLOW) await new Promise((done) => setTimeout(done, 300));
  }
})();
`;

const NODE = `
exports.handler = async (event) => {
  console.log('the handler prints');
  if (event.fails) throw new Error('no');
  if (event.hangs) await new Promise((done) => setTimeout(done, 60_000));
  return { api: typeof process.env.AWS_LAMBDA_RUNTIME_API };
};`;
const PYTHON = `
def handler(event, context):
    print("the handler prints")
    return {"python": True}
`;
const BOOTSTRAP = `#!/bin/sh
while true; do
  headers=$(mktemp)
  curl -sS -D "$headers" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" > /dev/null
  id=$(grep -i lambda-runtime-aws-request-id "$headers" | tr -d '\\r' | cut -d' ' -f2)
  curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" -d '"custom"' > /dev/null
done
`;

type Told = Readonly<Record<string, unknown>>;

const noMounts = abilities.root ? abilities.noMounts : abilities.noUserNamespaces;

let server: TestServer;
let lambda: LambdaClient;
let diary: Diary;
let layer = '';
const [node, python] = await languages();

before(async () => {
  server = await TestServer.start();
  diary = await Diary.open();
  lambda = new LambdaClient(clientOptions(server));
  layer = await publish({
    'extensions/watcher': { text: WATCHER, mode: 0o100755 },
    'extensions/notes.txt': { text: 'not a program', mode: 0o100644 },
  });
});
after(async () => {
  lambda.destroy();
  assert.deepEqual(await server.end(), []);
  await diary[Symbol.asyncDispose]();
});

async function publish(files: Record<string, { text: string; mode: number }>): Promise<string> {
  const zip = new ZipFile();
  for (const [name, { text, mode }] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name, { mode });
  zip.end();
  const Content = { ZipFile: await buffer(zip.outputStream as Readable) };
  return (await lambda.send(new PublishLayerVersionCommand({ LayerName: 'watcher', Content }))).LayerVersionArn ?? '';
}

async function create(
  FunctionName: string,
  o: { runtime?: string | undefined; files?: Buffer; variables?: Record<string, string>; layers?: string[] } = {},
): Promise<void> {
  const { runtime = node?.runtime, files, variables = {}, layers = [layer] } = o;
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: runtime as Runtime,
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/r',
      Code: { ZipFile: files ?? (await zipOf({ 'index.js': NODE, 'index.py': PYTHON })) },
      Layers: layers,
      Timeout: 30,
      Environment: { Variables: { DIARY: diary.url, ...variables } },
    }),
  );
}

async function invoke(FunctionName: string, event: object = {}): Promise<{ value: unknown; error: string | undefined; requestId: string }> {
  const { Payload, FunctionError, $metadata } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
  );
  return { value: JSON.parse(Buffer.from(Payload ?? []).toString()), error: FunctionError, requestId: $metadata.requestId ?? '' };
}

/** What extensions told from a place in the diary on. */
const told = (what: string, from = 0): Told[] =>
  diary.entries
    .slice(from)
    .map((e) => e.event)
    .filter((e) => e['what'] === what);
const hears = (what: string, from = 0): Promise<Told> => until(() => told(what, from)[0]);
const records = (at: string, from = 0): Told[] =>
  told('records', from)
    .filter((e) => e['at'] === at)
    .flatMap((e) => e['records'] as Told[]);

async function logOf(functionName: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of server.client.logs({ functionName })) lines.push(line);
  return lines;
}

describe('an external extension', () => {
  test('registers before the function starts, hears of each invocation and of the end, and is told what happens', async () => {
    const from = diary.entries.length;
    await create('watched');
    const first = await invoke('watched');
    assert.deepEqual([first.value, first.error], [{ api: 'string' }, undefined]);
    const registered = await hears('registered', from);
    assert.deepEqual(
      [registered['status'], registered['body'], registered['handler']],
      [200, { functionName: 'watched', functionVersion: '$LATEST', handler: 'index.handler', accountId: '000000000000' }, null],
    );
    const refused = await hears('refused', from);
    assert.deepEqual(
      [refused['again'], refused['unknown']],
      [
        [403, 'Extension.InvalidExtensionState'],
        [403, 'Extension.MissingExtensionIdentifier'],
      ],
    );
    const subscribed = await hears('subscribed', from);
    assert.deepEqual([subscribed['bad'], subscribed['good'], subscribed['old']], [400, [200, 'OK'], 200]);

    const { event } = (await hears('INVOKE', from)) as { event: Told };
    assert.deepEqual(
      [event['requestId'], event['invokedFunctionArn']],
      [first.requestId, 'arn:aws:lambda:us-east-1:000000000000:function:watched'],
    );
    assert.ok(Number(event['deadlineMs']) > Date.now());
    const second = await invoke('watched', { fails: true });
    assert.equal(second.error, 'Unhandled');
    await until(() => told('INVOKE', from).length === 2);

    await until(() => records('/2022-12-13', from).filter((r) => r['type'] === 'platform.report').length === 2);
    const all = records('/2022-12-13', from);
    const types = all.map((r) => r['type']);
    for (const type of [
      'platform.initStart',
      'platform.initRuntimeDone',
      'platform.initReport',
      'platform.extension',
      'platform.telemetrySubscription',
    ])
      assert.ok(types.includes(type), `${type} is not among ${types.join(', ')}`);
    const of = (type: string): Told[] => all.filter((r) => r['type'] === type).map((r) => r['record'] as Told);
    assert.deepEqual(of('platform.start')[0], { requestId: first.requestId, version: '$LATEST' });
    assert.deepEqual(
      of('platform.runtimeDone').map((r) => r['status']),
      ['success', 'error'],
    );
    const [report] = of('platform.report');
    const metrics = report?.['metrics'] as Record<string, number>;
    assert.ok((metrics['durationMs'] ?? 0) > 0 && (metrics['initDurationMs'] ?? 0) > 0 && (metrics['maxMemoryUsedMB'] ?? 0) > 0);
    assert.ok(all.some((r) => r['type'] === 'function' && String(r['record']).endsWith('the handler prints')));
    await until(() => records('/logs', from).some((r) => r['type'] === 'platform.end'));
    assert.ok(!types.includes('platform.end'));
    assert.ok(!records('/logs', from).some((r) => String(r['type']).startsWith('platform.init')));

    const log = await logOf('watched');
    assert.ok(log.some((l) => l.text === 'EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]'));
    assert.ok(log.some((l) => l.text === 'watcher prints'));
    const [usage] = await server.client
      .usageRecords({ functionName: 'watched', limit: 10 })
      .then((all) => all.filter((r) => r.coldRung !== null));
    const explained = await server.client.resident('watched');
    assert.match(JSON.stringify(explained), /it has external extensions \(watcher\), which run before its init phase/);
    assert.ok(usage !== undefined);

    await lambda.send(new DeleteFunctionCommand({ FunctionName: 'watched' }));
    const shutdown = (await hears('SHUTDOWN', from)) as { event: Told };
    assert.equal(shutdown.event['shutdownReason'], 'spindown');
  });

  test('with Python, and with a custom runtime', { skip: python?.skip ?? false }, async () => {
    const from = diary.entries.length;
    await create('watched-python', { runtime: python?.runtime });
    assert.deepEqual((await invoke('watched-python')).value, { python: true });
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from(BOOTSTRAP), 'bootstrap', { mode: 0o100755 });
    zip.end();
    await create('watched-custom', { runtime: 'provided.al2023', files: await buffer(zip.outputStream as Readable) });
    assert.equal((await invoke('watched-custom')).value, 'custom');
    await until(() => told('INVOKE', from).length === 2);
  });

  test('that listens where its kind do on Lambda, on sandbox.localdomain', { skip: noMounts ?? false }, async () => {
    const from = diary.entries.length;
    await create('named', { variables: { LISTEN_ON: 'sandbox.localdomain' } });
    // As on Lambda, an instance at rest is stopped, its extensions with it: where that comes first, what is left to tell is told under the next invocation.
    do assert.equal((await invoke('named')).error, undefined);
    while (!records('/2022-12-13', from).some((r) => r['type'] === 'platform.report'));
  });

  test('that is slow with one invocation hears of the next all the same', async () => {
    const from = diary.entries.length;
    await create('slow-watched', { variables: { SLOW: '1' } });
    for (let i = 0; i < 3; i++) assert.equal((await invoke('slow-watched')).error, undefined);
    await until(() => told('INVOKE', from).length === 3);
  });

  test('that fails in its init phase fails the function’s', async () => {
    await create('init-error', { variables: { INIT_ERROR: '1' } });
    const { value, error } = await invoke('init-error');
    assert.equal(error, 'Unhandled');
    assert.equal((value as Told)['errorType'], 'Extension.NoConfig');
    const crashing = await publish({ 'extensions/crash': { text: '#!/bin/sh\nexit 3\n', mode: 0o100755 } });
    await create('init-crash', { layers: [crashing] });
    const crashed = await invoke('init-crash');
    assert.deepEqual([crashed.error, (crashed.value as Told)['errorType']], ['Unhandled', 'Extension.Crash']);
    assert.match(String((crashed.value as Told)['errorMessage']), /^RequestId: \S+ Error: exit code 3$/);
  });

  test('that ends while the instance lives takes the instance with it; the next is whole again', async () => {
    const from = diary.entries.length;
    await create('crashes', { variables: { CRASH: '1' } });
    // As AWS tells it of the invocation under way.
    const crashed = await invoke('crashes', { hangs: true });
    const errorMessage = `RequestId: ${crashed.requestId} Error: exit code 7`;
    assert.deepEqual([crashed.error, crashed.value], ['Unhandled', { errorType: 'Extension.Crash', errorMessage }]);
    await hears('INVOKE', from);
    await until(async () => (await logOf('crashes')).some((l) => l.text.startsWith('extension watcher: ')));
    await until(() =>
      server.client
        .resident('crashes')
        .then((r) => JSON.stringify(r))
        .then((text) => !/"state":"(idle|busy|paused)"/.test(text)),
    );
    await invoke('crashes');
    await until(() => told('registered', from).length === 2);
  });
});

test('a layer without programs in extensions/ changes nothing: its function is forked', async () => {
  const plain = await publish({ 'extensions/readme.md': { text: 'no program', mode: 0o100644 } });
  await create('unwatched', { layers: [plain] });
  assert.deepEqual((await invoke('unwatched')).value, { api: 'undefined' });
  assert.doesNotMatch(JSON.stringify(await server.client.resident('unwatched')), /external extensions/);
});
