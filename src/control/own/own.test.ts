import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';

let plane: TestPlane;
const manifest = { runtime: 'nodejs20.x', handler: 'index.handler' };

before(async () => {
  plane = await openPlane();
});
after(() => plane.close());

type Json = Record<string, any>;

async function json(path: string, init: RequestInit = {}): Promise<{ status: number; body: Json; connection: string | null }> {
  const response = await fetch(plane.endpoint + path, init);
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Json), connection: response.headers.get('connection') };
}

async function upload(files: Record<string, string>): Promise<string> {
  const { status, body } = await json('/hearth/v1/sources', {
    method: 'POST',
    headers: { 'content-type': 'application/zip' },
    body: new Uint8Array(await zipOf(files)),
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body['source'] as string;
}

async function put(name: string, body: unknown): Promise<{ status: number; lines: Json[] }> {
  const response = await fetch(`${plane.endpoint}/hearth/v1/functions/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const lines = (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
  return { status: response.status, lines };
}

async function deploy(name: string, files: Record<string, string>, more: Record<string, unknown> = {}): Promise<Json> {
  const { lines } = await put(name, { source: await upload(files), manifest: { ...manifest, ...more } });
  return lines.at(-1) ?? {};
}

test('a deployment remembers which file it came from, and tells the one before', async () => {
  const source = (): Promise<string> => upload({ 'index.ts': 'export const handler = async (): Promise<number> => 1' });
  const deployed = async (from?: object): Promise<unknown> => {
    const { status, lines } = await put('filed', { source: await source(), manifest, ...(from === undefined ? {} : { from }) });
    return status === 200 ? lines.at(-1)?.['deployed'].before : status;
  };
  const [one, two] = [
    { host: 'a', file: '/one/hearth.yaml' },
    { host: 'a', file: '/two/hearth.yaml' },
  ];
  assert.deepEqual([await deployed(one), await deployed(one), await deployed(two), await deployed()], [null, null, one, null]);
  assert.deepEqual([await deployed({ ...two, host: 'b' }), await deployed(one)], [two, { ...two, host: 'b' }]);
  assert.deepEqual(await deployed({ host: 'a', file: '/line\nbreak' }), one);
  for (const wrong of ['\u0000', '\ud800', '\n\u0000'])
    assert.equal((await put('filed', { source: 'none', manifest, from: { host: 'a', file: `/x${wrong}` } })).status, 400);
});

test('a deployment tells its steps and ends with what it made', async () => {
  const source = await upload({ 'index.ts': 'export const handler = async (): Promise<number> => 1' });
  const { status, lines } = await put('first', {
    source,
    manifest: { ...manifest, url: { auth: 'none' }, timeoutSeconds: 30, scaling: { keepAlive: 7 } },
  });
  assert.equal(status, 200);
  assert.deepEqual(
    lines.slice(0, -1).map((l) => l['progress'].step),
    ['unpack', 'bundle', 'package', 'register', 'prepare'],
  );
  const version = plane.registry.get('first');
  assert.deepEqual(lines.at(-1), {
    deployed: {
      functionName: 'first',
      version: '$LATEST',
      revisionId: version?.revisionId,
      functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:first',
      created: true,
      unchanged: false,
      url: `${plane.endpoint}/fn/first/`,
      warnings: [],
      missing: [],
      initError: null,
      before: null,
      init: { durationMs: 5, slowestModules: [], unforkable: null },
    },
  });
  assert.deepEqual([version?.timeoutMs, version?.scaling.keepAliveMs, version?.snapshot], [30_000, 7000, 'onDeploy']);
  assert.equal(plane.platform.prepared.at(-1), version);
  assert.deepEqual(await readdir(join(plane.home, 'sources')), [], 'a deployed source goes');
  const gone = await put('first', { source, manifest });
  assert.deepEqual([gone.status, gone.lines[0]?.['errorType']], [404, 'ResourceNotFoundException']);
});

test('an init phase that makes more than an instance may hold is warned of', async () => {
  const deployed = async (bytes: number | null, memoryMb: number): Promise<string[]> => {
    plane.platform.inheritedBytes = bytes;
    const source = await upload({ 'index.js': 'exports.handler = async () => 1' });
    const { lines } = await put('large', { source, manifest: { ...manifest, memoryMb } });
    return (lines.at(-1) as { deployed: { warnings: string[] } }).deployed.warnings;
  };
  const MIB = 1024 * 1024;
  assert.deepEqual(await deployed(400 * MIB, 128), [
    'every instance begins with 400 MB, which its init phase made, and is killed for more than memoryMb: 128; set memoryMb: 640 or more',
  ]);
  assert.deepEqual(await deployed(400 * MIB, 512), []);
  assert.deepEqual(await deployed(null, 128), []);
});

test('the same again makes no new revision; a change does, and what is left out goes back to its default', async () => {
  const files = { 'index.js': 'exports.handler = async () => 1' };
  const first = await deploy('again', files, { memoryMb: 256, tags: { a: 'b' } });
  const same = await deploy('again', files, { memoryMb: 256, tags: { a: 'b' } });
  assert.deepEqual([same['deployed'].unchanged, same['deployed'].revisionId], [true, first['deployed'].revisionId]);
  const changed = await deploy('again', files);
  assert.deepEqual([changed['deployed'].created, changed['deployed'].unchanged], [false, false]);
  assert.notEqual(changed['deployed'].revisionId, first['deployed'].revisionId);
  assert.deepEqual([plane.registry.get('again')?.memoryMb, plane.registry.get('again')?.tags], [128, {}]);
});

test('two functions may come from one upload each of the same folder', async () => {
  const files = { 'index.js': 'exports.handler = async () => "shared"' };
  const [a, b] = [await upload(files), await upload(files)];
  assert.equal(a, b);
  const ends = await Promise.all([put('shared-a', { source: a, manifest }), put('shared-b', { source: b, manifest })]);
  for (const end of ends) assert.ok(end.lines.at(-1)?.['deployed'], JSON.stringify(end.lines));
  assert.deepEqual(await readdir(join(plane.home, 'sources')), []);
});

test('warnings: no interpreter, triggers that are not served; and apart from them an init phase that fails', async () => {
  const files = { 'app.py': 'def handler(e, c): pass' };
  plane.platform.initFails = { errorType: 'Runtime.ImportModuleError', errorMessage: 'No module named x' };
  const more = {
    runtime: 'python3.12',
    handler: 'app.handler',
    triggers: [{ schedule: { everySeconds: 60 } }, { queue: { queue: 'q' } }, { http: {} }],
    scaling: { keepAlive: 'histogram' },
  };
  const { deployed } = await deploy('warned', files, more);
  plane.platform.initFails = null;
  assert.equal(plane.platform.prepared.at(-1)?.scaling.keepAliveMs, null, 'as long as the server keeps any');
  assert.equal(deployed.init, null);
  assert.match(deployed.warnings[0], /^no interpreter on this machine runs python3\.12.*found: node /);
  assert.match(deployed.warnings[1], /^triggers of the kind queue are not served yet/);
  assert.equal(deployed.warnings.length, 2);
  assert.deepEqual(deployed.initError, { errorType: 'Runtime.ImportModuleError', errorMessage: 'No module named x' });
  assert.deepEqual(
    plane.triggers.reconciled.find(([name]) => name === 'warned')?.[1].map((t) => Object.keys(t)[0]),
    ['schedule', 'queue', 'http'],
  );
  assert.ok(deployed.url, 'the http trigger is a function URL');
});

test('what can not be deployed is refused at once, or by the last line', async () => {
  const source = await upload({ 'index.ts': 'export const handler = (' });
  const wrong = await put('wrong', { source, manifest: { ...manifest, memroyMb: 1 } });
  assert.deepEqual(
    [wrong.status, wrong.lines[0]?.['errorType'], wrong.lines[0]?.['message']],
    [400, 'InvalidParameterValueException', 'memroyMb: unknown key; did you mean memoryMb?'],
  );
  assert.equal((await put('bad.name', { source, manifest })).status, 400);
  assert.equal((await put('wrong', { manifest })).status, 400);
  const reserved = await put('wrong', { source, manifest: { ...manifest, environment: { AWS_REGION: 'x' } } });
  assert.match(reserved.lines[0]?.['message'], /Reserved keys used in this request: AWS_REGION/);
  assert.equal((await put('wrong', 'text')).status, 400);
  assert.equal((await put('wrong', { source: '../../etc/passwd', manifest })).status, 404);
  const failed = (await put('wrong', { source, manifest })).lines.at(-1)?.['error'];
  assert.equal(failed.errorType, 'BuildFailed');
  assert.match(failed.output, /index\.ts:1/);
  const evil = await json('/hearth/v1/sources', { method: 'POST', headers: { 'content-type': 'application/zip' }, body: 'not a zip' });
  const refused = (await put('wrong', { source: evil.body['source'], manifest })).lines.at(-1)?.['error'];
  assert.equal(refused.errorType, 'InvalidZipFileException');
  plane.store.failNext = new Error('disk full');
  const ours = await deploy('wrong', { 'index.js': '1' });
  assert.deepEqual(ours, { error: { errorType: 'ServiceException', message: 'An internal error occurred.' } });
  assert.match(String(plane.reported.pop()), /disk full/);
  assert.equal(plane.registry.get('wrong'), null);
});

test('sources: too large, broken off, expired: nothing stays', async () => {
  const large = await json('/hearth/v1/sources', {
    method: 'POST',
    headers: { 'content-type': 'application/zip' },
    body: new Uint8Array(2_000_001),
  });
  assert.deepEqual([large.status, large.body['errorType']], [413, 'RequestTooLargeException']);
  assert.notEqual(large.connection, 'close', 'its rest is read: who is still sending when the connection is closed hears nothing');
  const endless = await json('/hearth/v1/sources', {
    method: 'POST',
    headers: { 'content-type': 'application/zip' },
    body: new Uint8Array(4_100_000),
  }).catch(() => null);
  assert.ok(endless === null || endless.status === 413);
  assert.equal((await json('/hearth/v1/sources', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' })).status, 415);
  await new Promise<void>((resolve) => {
    const broken = httpRequest(`${plane.endpoint}/hearth/v1/sources`, {
      method: 'POST',
      headers: { 'content-type': 'application/zip', 'content-length': 1000 },
    });
    broken.on('error', () => resolve());
    broken.write('x'.repeat(10), () => setImmediate(() => broken.destroy()));
  });
  const source = await upload({ 'index.js': '1' });
  assert.ok(plane.sources.has(source));
  await plane.clock.advance(3_600_001);
  assert.equal(plane.sources.has(source), false);
  // The file of the broken upload is removed by its own request, which ends a moment after the client has gone.
  while ((await readdir(join(plane.home, 'sources'))).length > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('functions are listed, their code is served, and they are removed', async () => {
  await deploy('listed', { 'index.js': 'exports.handler = 1' });
  const { body } = await json('/hearth/v1/functions');
  const listed = (body['functions'] as Json[]).find((f) => f['name'] === 'listed');
  assert.deepEqual([listed?.['url'], listed?.['instances'], listed?.['resident'], listed?.['memoryMb']], [null, 0, 'nothing', 128]);
  const code = await fetch(`${plane.endpoint}/hearth/v1/functions/listed/code`);
  assert.equal((await code.arrayBuffer()).byteLength, plane.registry.get('listed')?.codeBytes);
  assert.equal((await json('/hearth/v1/functions/listed', { method: 'DELETE' })).status, 204);
  const gone = await json('/hearth/v1/functions/listed', { method: 'DELETE' });
  assert.deepEqual([gone.status, gone.body['errorType']], [404, 'ResourceNotFoundException']);
  assert.equal((await json('/hearth/v1/nothing')).status, 404);
  assert.equal((await json('/hearth/v1/functions/..%2f..%2fetc/code')).status, 400);
});

test('evict, usage, status', async () => {
  await deploy('seen', { 'index.js': 'exports.handler = 1' });
  const headers = { 'content-type': 'application/json' };
  const evicted = await json('/hearth/v1/functions/seen/evict', { method: 'POST', headers, body: '{"to":"disk"}' });
  assert.deepEqual(evicted.body, { instances: 1, snapshots: 0, zygotes: 0 });
  assert.deepEqual(plane.platform.evicted, [['seen', 'disk']]);
  assert.match(
    (await json('/hearth/v1/functions/seen/evict', { method: 'POST', headers, body: '{"to":"disc"}' })).body['message'],
    /did you mean disk/,
  );
  plane.platform.used = ['removed-long-ago'];
  assert.equal((await json('/hearth/v1/usage?function=removed-long-ago&from=5')).status, 200);
  assert.deepEqual(plane.platform.usageQueries, [{ functionName: 'removed-long-ago', fromMs: 5, toMs: plane.clock.now() }]);
  const tomorrow = Math.ceil(plane.clock.now()) + 86_400_000;
  await json(`/hearth/v1/usage?from=5&to=${tomorrow}`);
  assert.equal(plane.platform.usageQueries.at(-1)?.toMs, plane.clock.now(), 'a machine is not kept on in the future');
  assert.equal((await json('/hearth/v1/usage?from=yesterday')).status, 400);
  for (const path of ['/hearth/v1/usage?function=', '/hearth/v1/usage/records?function=']) {
    assert.equal((await json(`${path}seen`)).status, 200, 'there, and never used');
    const { status, body } = await json(`${path}never-was`);
    assert.deepEqual([status, body['errorType']], [404, 'ResourceNotFoundException']);
  }
  assert.equal((await json('/hearth/v1/status')).body['endpoint'], plane.endpoint);
});

test('logs: the past, and what follows, each line once', async () => {
  await deploy('talks', { 'index.js': 'exports.handler = 1' });
  const line = (text: string) => ({ timeMs: 1, function: 'talks', stream: 's', requestId: null, text });
  plane.platform.print(line('one'));
  plane.platform.print({ ...line('other'), function: 'other' });
  const past = await (await fetch(`${plane.endpoint}/hearth/v1/logs?function=talks&tail=5`)).text();
  assert.deepEqual(
    past
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l).text),
    ['one'],
  );
  assert.equal((await json('/hearth/v1/logs?function=typo')).status, 404);
  assert.equal((await json('/hearth/v1/logs?function=../x')).status, 400);

  const stop = new AbortController();
  const followed = await fetch(`${plane.endpoint}/hearth/v1/logs?function=talks&follow=1`, { signal: stop.signal });
  const reader = followed.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const until = async (word: string): Promise<void> => {
    while (!text.includes(word)) text += (await reader.read()).value ?? assert.fail('the stream ended');
  };
  await until('one');
  plane.platform.print(line('two'));
  plane.platform.print({ ...line('not mine'), function: 'other' });
  plane.platform.print(line('three'));
  await until('three');
  assert.deepEqual(
    text
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l).text),
    ['one', 'two', 'three'],
  );
  stop.abort();
  while (plane.platform.followers.size > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a server that stops ends the followers', async () => {
  const other = await openPlane();
  const followed = await fetch(`${other.endpoint}/hearth/v1/logs?follow=1`);
  await other.app.close();
  assert.equal(await followed.text(), '');
  assert.equal(other.platform.followers.size, 0);
  await other.close();
});
