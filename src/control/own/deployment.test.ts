import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deferred } from '../../lib/deferred.ts';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';

let plane: TestPlane;

before(async () => {
  plane = await openPlane();
});
after(() => plane.close());

type Json = Record<string, any>;

/** The last line of a deployment: what it made, or why not. */
async function deploy(name: string, files: Record<string, string>, more: Record<string, unknown> = {}): Promise<Json> {
  const send = (method: string, path: string, type: string, body: NonNullable<RequestInit['body']>): Promise<Response> =>
    fetch(`${plane.endpoint}/hearth/v1/${path}`, { method, headers: { 'content-type': type }, body });
  const { source } = (await (await send('POST', 'sources', 'application/zip', new Uint8Array(await zipOf(files)))).json()) as Json;
  const body = JSON.stringify({ source, manifest: { runtime: 'nodejs20.x', handler: 'index.handler', ...more } });
  const lines = await (await send('PUT', `functions/${name}`, 'application/json', body)).text();
  return JSON.parse(lines.trim().split('\n').at(-1) ?? '') as Json;
}

test('what only Lambda’s API says of a URL outlives deployments that have the URL', async () => {
  const files = { 'index.js': 'exports.handler = async () => 1' };
  await deploy('cors', files);
  const address = `${plane.endpoint}/2021-10-31/functions/cors/url`;
  const urlOf = async () => (await (await fetch(address)).json()) as Json;
  const body = JSON.stringify({ AuthType: 'NONE', Cors: { AllowOrigins: ['https://example.com'] } });
  assert.equal((await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status, 201);
  const set = await urlOf();
  assert.deepEqual(set['Cors'].AllowOrigins, ['https://example.com']);
  assert.equal((await deploy('cors', files, { url: { auth: 'none' } }))['deployed'].unchanged, true);
  await plane.clock.advance(5000);
  await deploy('cors', files, { url: { auth: 'none' }, memoryMb: 256 });
  assert.deepEqual(await urlOf(), set);
  await deploy('cors', files, { url: { auth: 'aws_iam', invokeMode: 'response_stream' } });
  const { LastModifiedTime, ...changed } = await urlOf();
  const { LastModifiedTime: before, ...was } = set;
  assert.deepEqual(changed, { ...was, AuthType: 'AWS_IAM', InvokeMode: 'RESPONSE_STREAM' });
  assert.ok(LastModifiedTime > before);
  await deploy('cors', files);
  assert.equal(plane.registry.get('cors')?.url, null);
});

test('what Lambda’s API changes while a deployment is about to is kept', async (t) => {
  const files = { 'index.js': 'exports.handler = async () => 1' };
  await deploy('beside', files, { url: { auth: 'none' } });
  const update = plane.registry.update.bind(plane.registry);
  const [goOn, ...asked] = [deferred<void>(), deferred<void>(), deferred<void>()];
  let updates = 0;
  t.mock.method(plane.registry, 'update', (...given: Parameters<typeof update>) => {
    asked[updates++]?.resolve();
    return update(...given);
  });
  plane.store.held = goOn.promise;
  const body = JSON.stringify({ Cors: { AllowOrigins: ['https://example.com'] } });
  const address = `${plane.endpoint}/2021-10-31/functions/beside/url`;
  const changed = fetch(address, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
  await asked[0]?.promise;
  const deployed = deploy('beside', files, { url: { auth: 'none' }, memoryMb: 256 });
  await asked[1]?.promise; // both have seen what there was before
  goOn.resolve();
  assert.equal((await changed).status, 200);
  assert.equal((await deployed)['deployed'].unchanged, false);
  const { memoryMb, url } = plane.registry.get('beside') ?? {};
  assert.deepEqual([memoryMb, url?.cors?.allowOrigins], [256, ['https://example.com']]);
});

test('a change that is undone leaves what invokes the function as it was; one that serves brings its own', async () => {
  const told = () =>
    [plane.triggers.reconciled, plane.events.configured].map((all) => all.filter(([name]) => name === 'undone').map((a) => a[1]));
  const hourly = { triggers: [{ schedule: 'rate(1 hour)' }], async: { retries: 0 } };
  const often = { triggers: [{ schedule: { everySeconds: 10 } }], async: { retries: 2 } };
  plane.platform.initFails = { errorType: 'Error', errorMessage: 'no way', undone: false };
  assert.ok((await deploy('undone', { 'index.js': '1' }, hourly))['deployed'].initError, 'what is new is deployed all the same');
  const before = told();
  assert.deepEqual([before[0]?.length, before[1]], [1, [{ retries: 0 }]]);
  plane.platform.initFails = { errorType: 'Error', errorMessage: 'no way', undone: true };
  const { error } = await deploy('undone', { 'index.js': '2' }, often);
  assert.match(error.message, /no way\. Nothing was changed: what served before serves on\.$/);
  assert.deepEqual(told(), before);
  plane.platform.initFails = null;
  await deploy('undone', { 'index.js': '3' }, often);
  const [triggers, events] = told();
  assert.deepEqual([triggers?.at(-1), events?.at(-1)], [[{ schedule: { everySeconds: 10 } }], { retries: 2 }]);
});

test('none waits for the init phase of one before it, and what was overtaken changes nothing any more', async () => {
  const hourly = { triggers: [{ schedule: 'rate(1 hour)' }] };
  const often = { triggers: [{ schedule: { everySeconds: 10 } }] };
  await deploy('stuck', { 'index.js': '1' }, hourly);
  const reconciled = () => plane.triggers.reconciled.filter(([name]) => name === 'stuck').map(([, manifests]) => manifests);
  assert.equal(reconciled().length, 1);
  const hang = plane.platform.hang();
  const stuck = deploy('stuck', { 'index.js': 'while (true);' }, { triggers: [{ schedule: 'rate(2 hours)' }] });
  await hang.begun;
  const { deployed } = await deploy('stuck', { 'index.js': '2' }, often);
  assert.deepEqual([deployed.unchanged, deployed.warnings, reconciled().length], [false, [], 2]);
  hang.end();
  assert.match((await stuck)['deployed'].warnings.join(), /a later deployment, or the removal of the function, came before/);
  assert.deepEqual(reconciled().at(-1), [{ schedule: { everySeconds: 10 } }]);
});

test('a function whose init phase hangs can be removed', async () => {
  await deploy('removed', { 'index.js': '1' });
  const hang = plane.platform.hang();
  const stuck = deploy('removed', { 'index.js': 'while (true);' }, { triggers: [{ schedule: 'rate(2 hours)' }] });
  await hang.begun;
  assert.equal((await fetch(`${plane.endpoint}/hearth/v1/functions/removed`, { method: 'DELETE' })).status, 204);
  hang.end();
  await stuck;
  assert.equal(plane.registry.get('removed'), null);
  assert.equal(plane.triggers.reconciled.filter(([name]) => name === 'removed').length, 1);
});
