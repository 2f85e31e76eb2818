import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { deferred } from '../../lib/deferred.ts';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';

let plane: TestPlane;

before(async () => {
  plane = await openPlane();
});
after(() => plane.close());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

async function call(method: Method, url: string, payload?: object) {
  const response = await plane.app.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
  return { status: response.statusCode, document: response.body === '' ? {} : response.json<Record<string, unknown>>() };
}

async function code(text: string): Promise<{ ZipFile: string; sha256: string }> {
  const zip = await zipOf({ 'index.js': text });
  await plane.artifacts.putCode(zip); // so that who sends it does not wait for the disk
  return { ZipFile: zip.toString('base64'), sha256: createHash('sha256').update(zip).digest('base64') };
}

async function create(name: string, more: object = {}): Promise<void> {
  const { ZipFile } = await code('exports.handler = async () => 0');
  const Role = 'arn:aws:iam::000000000000:role/r';
  const body = { FunctionName: name, Runtime: 'nodejs20.x', Handler: 'index.handler', Role, Code: { ZipFile }, ...more };
  assert.equal((await call('POST', '/2015-03-31/functions', body)).status, 201);
}

/** Makes calls while no write gets to the store: each has decided, as far as it does before its turn, when the first is written. */
async function atOnce(...calls: readonly (() => ReturnType<typeof call>)[]) {
  const gate = deferred<void>();
  plane.store.held = gate.promise;
  const under = calls.map((one) => one());
  for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  return Promise.all(under);
}

test('of two changes of a configuration neither undoes the other', async () => {
  await create('configured');
  const url = '/2015-03-31/functions/configured/configuration';
  await atOnce(
    () => call('PUT', url, { TracingConfig: { Mode: 'Active' }, LoggingConfig: { LogFormat: 'JSON' } }),
    () => call('PUT', url, { SnapStart: { ApplyOn: 'PublishedVersions' }, LoggingConfig: { LogGroup: 'mine' } }),
  );
  const { document } = await call('GET', url);
  assert.deepEqual(document['TracingConfig'], { Mode: 'Active' });
  assert.equal((document['SnapStart'] as { ApplyOn: string }).ApplyOn, 'PublishedVersions');
  const { LogFormat, LogGroup } = document['LoggingConfig'] as Record<string, string>;
  assert.deepEqual([LogFormat, LogGroup], ['JSON', 'mine']);
});

test('code that is to be published is published, whatever comes at the same time', async () => {
  await create('published');
  const codes = await Promise.all(Array.from({ length: 5 }, (_, i) => code(`exports.handler = async () => ${i + 1}`)));
  const url = '/2015-03-31/functions/published/code';
  const answers = await atOnce(
    ...codes.map(
      ({ ZipFile }) =>
        () =>
          call('PUT', url, { ZipFile, Publish: true }),
    ),
  );
  assert.deepEqual(
    answers.map(({ document }) => document['CodeSha256']),
    codes.map(({ sha256 }) => sha256),
  );
  assert.equal(new Set(answers.map(({ document }) => document['Version'])).size, 5);
});

test('tags that come with a change of a mapping, or with its end, undo neither', async () => {
  await create('mapped');
  const source = { FunctionName: 'mapped', EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q', Enabled: false };
  const { document } = await call('POST', '/2015-03-31/event-source-mappings', source);
  const url = `/2015-03-31/event-source-mappings/${String(document['UUID'])}`;
  const arn = `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${String(document['UUID'])}`;
  const tags = `/2017-03-31/tags/${encodeURIComponent(arn)}`;
  await atOnce(
    () => call('PUT', url, { BatchSize: 7 }),
    () => call('POST', tags, { Tags: { a: '1' } }),
    () => call('POST', tags, { Tags: { b: '2' } }),
  );
  assert.equal((await call('GET', url)).document['BatchSize'], 7);
  assert.deepEqual((await call('GET', tags)).document['Tags'], { a: '1', b: '2' });
  const [, tagged] = await atOnce(
    () => call('DELETE', url),
    () => call('POST', tags, { Tags: { c: '3' } }),
  );
  assert.deepEqual([tagged?.status, (await call('GET', url)).status], [404, 404]);
});

test('of two changes of an EventInvokeConfig neither undoes the other', async () => {
  await create('retried');
  const url = '/2019-09-25/functions/retried/event-invoke-config';
  await call('PUT', url, { MaximumRetryAttempts: 2 });
  await atOnce(
    () => call('POST', url, { MaximumRetryAttempts: 0 }),
    () => call('POST', url, { MaximumEventAgeInSeconds: 60 }),
  );
  const { document } = await call('GET', url);
  assert.deepEqual([document['MaximumRetryAttempts'], document['MaximumEventAgeInSeconds']], [0, 60]);
});

test('no function has more than 50 tags, made with them or given them at once', async () => {
  const some = (from: number, count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${from + i}`, 'v']));
  const { ZipFile } = await code('exports.handler = async () => 0');
  const Role = 'arn:aws:iam::000000000000:role/r';
  const body = { FunctionName: 'tagged', Runtime: 'nodejs20.x', Handler: 'index.handler', Role, Code: { ZipFile } };
  assert.equal((await call('POST', '/2015-03-31/functions', { ...body, Tags: some(0, 51) })).status, 400);
  assert.equal((await call('POST', '/2015-03-31/functions', body)).status, 201);
  const url = `/2017-03-31/tags/${encodeURIComponent('arn:aws:lambda:us-east-1:000000000000:function:tagged')}`;
  const answers = await atOnce(
    () => call('POST', url, { Tags: some(0, 30) }),
    () => call('POST', url, { Tags: some(30, 30) }),
  );
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [204, 400],
  );
});

test('no alias points to a version that was deleted at the same time', async () => {
  await create('aliased', { Publish: true });
  const answers = await atOnce(
    () => call('POST', '/2015-03-31/functions/aliased/aliases', { Name: 'live', FunctionVersion: '1' }),
    () => call('DELETE', '/2015-03-31/functions/aliased?Qualifier=1'),
  );
  const [made, deleted] = answers.map(({ status }) => status);
  assert.ok((made === 201 && deleted === 409) || (made === 404 && deleted === 204), `${made} ${deleted}`);
});

test('nothing is left of a version: not even what is provisioned for an alias that was deleted at the same time', async () => {
  await create('left', { Publish: true });
  const provisioned = '/2019-09-30/functions/left/provisioned-concurrency';
  const version = [
    call('PUT', `${provisioned}?Qualifier=1`, { ProvisionedConcurrentExecutions: 1 }),
    call('PUT', '/2019-09-25/functions/left/event-invoke-config?Qualifier=1', { MaximumRetryAttempts: 0 }),
    call('POST', '/2015-03-31/functions/left/policy?Qualifier=1', { StatementId: 's', Action: 'lambda:InvokeFunction', Principal: '*' }),
  ];
  for (const { status } of await Promise.all(version)) assert.ok(status < 300, String(status));
  assert.equal((await call('DELETE', '/2015-03-31/functions/left?Qualifier=1')).status, 204);
  await call('PUT', '/2015-03-31/functions/left/configuration', { Description: 'other' });
  assert.equal((await call('POST', '/2015-03-31/functions/left/versions')).document['Version'], '2');
  await call('POST', '/2015-03-31/functions/left/aliases', { Name: 'live', FunctionVersion: '2' });
  const [, put] = await atOnce(
    () => call('DELETE', '/2015-03-31/functions/left/aliases/live'),
    () => call('PUT', `${provisioned}?Qualifier=live`, { ProvisionedConcurrentExecutions: 1 }),
  );
  assert.equal(put?.status, 404);
  assert.deepEqual((await call('GET', `${provisioned}?List=ALL`)).document['ProvisionedConcurrencyConfigs'], []);
  const configs = await call('GET', '/2019-09-25/functions/left/event-invoke-config/list');
  assert.deepEqual(configs.document['FunctionEventInvokeConfigs'], []);
  const functionId = plane.registry.get('left')?.functionId ?? '';
  for (const kind of ['policy', 'provisioned', 'event-invoke-config'] as const)
    assert.deepEqual(plane.resources.list(kind, functionId), []);
});

test('two functions do not both reserve what only one of them may have', async () => {
  for (const name of ['first', 'second']) await create(name);
  const reserve = (name: string) => () => call('PUT', `/2017-10-31/functions/${name}/concurrency`, { ReservedConcurrentExecutions: 800 });
  const answers = await atOnce(reserve('first'), reserve('second'));
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [200, 400],
  );
});
