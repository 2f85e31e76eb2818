import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { UsageRecord } from '../../model/usage.ts';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';

let plane: TestPlane;
before(async () => {
  plane = await openPlane();
});
after(() => plane.close());

type Json = Record<string, any>;

const record: UsageRecord = {
  requestId: '6f1c2f0e-2b1d-4f0a-9a55-0f6f1f5a3c11',
  attempt: 1,
  accountId: '000000000000',
  functionId: 'f',
  functionName: 'gone',
  version: '$LATEST',
  revisionId: 'r',
  instanceId: 'i',
  startedAtMs: 1_000,
  durationMs: 12,
  billedMs: 12,
  initMs: null,
  initBilled: false,
  memoryMb: 128,
  memoryUsedMb: 30,
  coldRung: null,
  coldMs: 0,
  bytesIn: 2,
  bytesOut: 2,
  outcome: 'ok',
  queuedMs: 1,
  handlerMs: 10,
  start: null,
};

async function get(path: string): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${plane.endpoint}/hearth/v1/${path}`);
  return { status: response.status, body: (await response.json()) as Json };
}

test('an invocation is explained, the last attempt unless another is asked for', async () => {
  plane.platform.records = [record, { ...record, attempt: 2, outcome: 'error' }];
  const { status, body } = await get(`invocations/${record.requestId}`);
  assert.deepEqual([status, body['attempt'], body['attempts'], body['totalMs'], body['start']], [200, 2, 2, 13, undefined]);
  assert.deepEqual(
    (body['waterfall'] as Json[]).map((s) => [s['name'], s['atMs'], s['ms']]),
    [
      ['queue', 0, 1],
      ['handler', 1, 10],
      ['reply', 11, 2],
    ],
  );
  assert.equal((await get(`invocations/${record.requestId}?attempt=1`)).body['outcome'], 'ok');
  const none = await get(`invocations/${record.requestId}?attempt=3`);
  assert.deepEqual([none.status, none.body['errorType']], [404, 'ResourceNotFoundException']);
  assert.equal((await get(`invocations/${record.requestId}?attempt=x`)).status, 400);
});

test('one that is not known is a 404 that says so, whatever it is called', async () => {
  for (const id of ['nobody', '%00', 'x'.repeat(600)]) {
    const { status, body } = await get(`invocations/${id}`);
    assert.deepEqual([status, body['errorType']], [404, 'ResourceNotFoundException'], id);
  }
});

test('the last ones of a function, also of one that is gone', async () => {
  plane.platform.records = [record];
  const { status, body } = await get('invocations?function=gone&cold=1&limit=1');
  assert.deepEqual([status, body['invocations'].length, body['invocations'][0].functionName], [200, 1, 'gone']);
  assert.equal((await get('invocations?function=no/name')).status, 400);
});

async function deploy(name: string, more: Json): Promise<Json> {
  const upload = await fetch(`${plane.endpoint}/hearth/v1/sources`, {
    method: 'POST',
    headers: { 'content-type': 'application/zip' },
    body: new Uint8Array(await zipOf({ 'index.js': `exports.handler = async () => '${name}'` })),
  });
  const { source } = (await upload.json()) as Json;
  const response = await fetch(`${plane.endpoint}/hearth/v1/functions/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ source, manifest: { runtime: 'nodejs20.x', handler: 'index.handler' }, ...more }),
  });
  return JSON.parse((await response.text()).trim().split('\n').at(-1) ?? '') as Json;
}

test('a deployment over its init budget changes nothing and names the slowest modules', async () => {
  assert.ok((await deploy('budgeted', {}))['deployed']);
  const before = plane.registry.get('budgeted');
  plane.platform.initMs.push(900, 700, 800);
  const { error } = await deploy('budgeted', {
    initBudgetMs: 500,
    manifest: { runtime: 'nodejs20.x', handler: 'index.handler', memoryMb: 256 },
  });
  assert.equal(error.errorType, 'InitBudgetExceeded');
  assert.match(
    error.message,
    /takes 700 ms \(the shortest of 3 runs\), the budget is 500 ms; slowest modules: heavy 350 ms\. Nothing was deployed/,
  );
  assert.deepEqual([error.budgetMs, error.initMs], [500, 700]);
  assert.equal(plane.registry.get('budgeted'), before, 'the revision that served serves on');
  plane.platform.initMs.push(900);
  assert.equal((await deploy('never', { initBudgetMs: 1 }))['error'].errorType, 'InitBudgetExceeded');
  assert.equal(plane.registry.get('never'), null);
});

test('one that keeps its budget, if only at the second try, is deployed', async () => {
  plane.platform.initMs.push(900, 400);
  const tried = plane.platform.tried.length;
  assert.ok((await deploy('in-time', { initBudgetMs: 500 }))['deployed']);
  assert.equal(plane.platform.tried.length, tried + 2);
  assert.equal((await deploy('free', {}))['deployed'].functionName, 'free');
  assert.equal(plane.platform.tried.length, tried + 2, 'without a budget nothing is tried');
});

test('an init phase that fails has no time to be within: nothing is deployed', async () => {
  plane.platform.initFails = { errorType: 'Runtime.ImportModuleError', errorMessage: 'no x' };
  const { error } = await deploy('broken', { initBudgetMs: 500 });
  plane.platform.initFails = null;
  assert.match(error.message, /the init phase failed: Runtime\.ImportModuleError: no x/);
  assert.equal(plane.registry.get('broken'), null);
});

test('a budget that is none is refused before anything is built', async () => {
  for (const initBudgetMs of [0, -1, 'x']) {
    const answer = await deploy('refused', { initBudgetMs });
    assert.equal(answer['errorType'], 'InvalidParameterValueException', JSON.stringify(answer));
  }
});
