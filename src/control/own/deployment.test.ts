import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HearthError } from '../../errors.ts';
import { deferred } from '../../lib/deferred.ts';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';
import { TestPlatform } from '../testing/platform.ts';

let plane: TestPlane;

before(async () => {
  plane = await openPlane();
});
after(() => plane.close());

type Json = Record<string, any>;

/** The last line of a deployment: what it made, or why not. */
async function deploy(name: string, files: Record<string, string>, more: Record<string, unknown> = {}, to = plane): Promise<Json> {
  const send = (method: string, path: string, type: string, body: NonNullable<RequestInit['body']>): Promise<Response> =>
    fetch(`${to.endpoint}/hearth/v1/${path}`, { method, headers: { 'content-type': type }, body });
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
  const replace = plane.store.replaceLatest.bind(plane.store);
  t.mock.method(plane.store, 'replaceLatest', async (...given: Parameters<typeof replace>) => {
    await goOn.promise;
    await replace(...given);
  });
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

describe('a server that is killed in the middle of a deployment', () => {
  const hourly = { triggers: [{ schedule: 'rate(1 hour)' }], async: { retries: 0 } };
  const often = { triggers: [{ schedule: { everySeconds: 10 } }], async: { retries: 2 } };

  /** Of what the next server does on the same store. */
  async function nextOn({ store }: TestPlane): Promise<{ triggers: unknown[]; events: unknown[]; left: number }> {
    const next = await openPlane(store);
    await next.close();
    const left = next.resources.list('pending-deployment').length;
    return { triggers: next.triggers.reconciled, events: next.events.configured, left };
  }

  test('after its revision is there: the next start makes of what invokes it what the deployment wanted', async () => {
    const killed = await openPlane();
    await deploy('half', { 'index.js': '1' }, hourly, killed);
    const [before] = killed.registry.list();
    const hang = killed.platform.hang();
    const cut = deploy('half', { 'index.js': '2' }, often, killed);
    await hang.begun;
    assert.notEqual(killed.registry.get('half')?.revisionId, before?.revisionId);
    const done = await nextOn(killed);
    assert.deepEqual(done, { triggers: [['half', [{ schedule: { everySeconds: 10 } }]]], events: [['half', { retries: 2 }]], left: 0 });
    hang.end();
    await cut;
    await killed.close();
  });

  test('whose revision is still to be tried: what invokes the function changes when that has taken over, and not at all when it is undone', async () => {
    for (const undone of [false, true]) {
      const killed = await openPlane();
      await deploy('tried', { 'index.js': '1' }, hourly, killed);
      const cutShort = killed.platform.hang();
      const cut = deploy('tried', { 'index.js': '2' }, often, killed);
      await cutShort.begun;
      const platform = new TestPlatform();
      platform.taking = ['tried'];
      platform.initFails = undone ? { errorType: 'Error', errorMessage: 'no way', undone } : null;
      const trial = platform.hang();
      const next = await openPlane(killed.store, platform);
      await trial.begun;
      assert.deepEqual([next.triggers.reconciled, next.resources.list('pending-deployment').length], [[], 1]);
      trial.end();
      while (next.resources.list('pending-deployment').length > 0) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(next.triggers.reconciled.length, undone ? 0 : 1);
      await next.close();
      cutShort.end();
      await cut;
      await killed.close();
    }
  });

  test('before its revision is there, or of a function that was removed since: nothing is', async () => {
    const killed = await openPlane();
    await deploy('none', { 'index.js': '1' }, hourly, killed);
    const revisionId = killed.registry.get('none')?.revisionId ?? null;
    const wanted = { triggers: [], async: null };
    await killed.resources.put('pending-deployment', 'none', { before: revisionId, ...wanted }, null);
    await killed.resources.put('pending-deployment', 'never', { before: null, ...wanted }, null);
    assert.deepEqual(await nextOn(killed), { triggers: [], events: [], left: 0 });
    await killed.resources.put('pending-deployment', 'none', { before: 'earlier', ...wanted }, null);
    await killed.registry.remove('none');
    assert.equal(killed.resources.list('pending-deployment').length, 1, 'that of another name');
    await killed.close();
  });

  test('what ended, well or not, leaves nothing; what the database was away for is done by the next start', async () => {
    const plane = await openPlane();
    await deploy('ends', { 'index.js': '1' }, hourly, plane);
    plane.platform.initFails = { errorType: 'Error', errorMessage: 'no way', undone: true };
    await deploy('ends', { 'index.js': '2' }, often, plane);
    plane.platform.initFails = null;
    assert.deepEqual(plane.resources.list('pending-deployment'), []);
    const reconcile = plane.triggers.reconcile.bind(plane.triggers);
    plane.triggers.reconcile = () => Promise.reject(new HearthError('ServiceUnavailable', 'away'));
    const { error } = await deploy('ends', { 'index.js': '3' }, often, plane);
    assert.equal(error.errorType, 'ServiceUnavailable');
    plane.triggers.reconcile = reconcile;
    assert.equal((await nextOn(plane)).triggers.length, 1);
    await plane.close();
  });
});
