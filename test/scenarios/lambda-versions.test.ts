import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  GetPolicyCommand,
  GetProvisionedConcurrencyConfigCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  paginateListVersionsByFunction,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  ResourceConflictException,
  ResourceNotFoundException,
  TooManyRequestsException,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
  waitUntilPublishedVersionActive,
} from '@aws-sdk/client-lambda';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';
import { until } from './until.ts';
import { clientOptions } from './server-credentials.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as 'nodejs20.x';
const WORD = (word: string): string =>
  `exports.handler = async (e, c) => ({ word: '${word}', arn: c.invokedFunctionArn, version: c.functionVersion });`;

let server: TestServer;
let client: LambdaClient;

before(async () => {
  server = await TestServer.start();
  client = new LambdaClient(clientOptions(server));
});

after(async () => {
  client.destroy();
  assert.deepEqual(await server.end(), []);
});

async function create(FunctionName: string, code: string, more: Record<string, unknown> = {}): Promise<void> {
  const ZipFile = await zipOf({ 'index.js': code });
  const Role = 'arn:aws:iam::000000000000:role/r';
  await client.send(new CreateFunctionCommand({ FunctionName, Runtime: NODE, Handler: 'index.handler', Role, Code: { ZipFile }, ...more }));
}

async function recode(FunctionName: string, code: string): Promise<void> {
  await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await zipOf({ 'index.js': code }) }));
  await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 30 }, { FunctionName });
}

async function invoke(FunctionName: string, Qualifier?: string): Promise<Record<string, unknown>> {
  const answer = await client.send(new InvokeCommand({ FunctionName, ...(Qualifier === undefined ? {} : { Qualifier }) }));
  assert.equal(answer.FunctionError, undefined, Buffer.from(answer.Payload ?? []).toString());
  return { executed: answer.ExecutedVersion, ...(JSON.parse(Buffer.from(answer.Payload ?? []).toString()) as Record<string, unknown>) };
}

describe('versions, aliases and what is theirs, through AWS’s SDK', () => {
  const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:versioned';

  test('a version stays as it was published; qualifiers reach it by number, alias and ARN', async () => {
    const FunctionName = 'versioned';
    await create(FunctionName, WORD('one'), { Publish: true });
    await waitUntilPublishedVersionActive({ client, maxWaitTime: 30 }, { FunctionName, Qualifier: '1' });
    await recode(FunctionName, WORD('two'));
    assert.equal((await client.send(new PublishVersionCommand({ FunctionName }))).Version, '2');
    assert.equal((await client.send(new PublishVersionCommand({ FunctionName }))).Version, '2');
    await recode(FunctionName, WORD('three'));
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    assert.deepEqual(await invoke(FunctionName), { executed: '$LATEST', word: 'three', arn: ARN, version: '$LATEST' });
    assert.deepEqual(await invoke(FunctionName, '2'), { executed: '2', word: 'two', arn: `${ARN}:2`, version: '2' });
    for (const name of ['versioned:live', `${ARN}:live`, '000000000000:function:versioned:live'])
      assert.deepEqual(await invoke(name), { executed: '1', word: 'one', arn: `${ARN}:live`, version: '1' }, name);
    await assert.rejects(invoke(FunctionName, '9'), ResourceNotFoundException);
    const numbers: (string | undefined)[] = [];
    for await (const page of paginateListVersionsByFunction({ client, pageSize: 2 }, { FunctionName }))
      numbers.push(...(page.Versions ?? []).map((v) => v.Version));
    assert.deepEqual(numbers, ['$LATEST', '1', '2']);
  });

  test('an alias with weights sends to both versions, and only to these', async () => {
    const FunctionName = 'versioned';
    const half = { AdditionalVersionWeights: { '2': 0.5 } };
    await client.send(new UpdateAliasCommand({ FunctionName, Name: 'live', RoutingConfig: half }));
    const seen = new Set<unknown>();
    await until(async () => seen.add((await invoke('versioned:live'))['executed']).size === 2);
    assert.ok(seen.has('1') && seen.has('2'));
    const two = new DeleteFunctionCommand({ FunctionName, Qualifier: '2' });
    await assert.rejects(client.send(two), ResourceConflictException);
    await client.send(new UpdateAliasCommand({ FunctionName, Name: 'live', RoutingConfig: { AdditionalVersionWeights: {} } }));
    await client.send(two);
    await assert.rejects(invoke(FunctionName, '2'), ResourceNotFoundException);
  });

  test('the URL of an alias answers from its version, and preflight requests as its CORS says', async () => {
    const FunctionName = 'versioned';
    const Cors = { AllowOrigins: ['https://a.example'], AllowMethods: ['GET'], MaxAge: 5 };
    const url = await client.send(new CreateFunctionUrlConfigCommand({ FunctionName, Qualifier: 'live', AuthType: 'NONE', Cors }));
    const answer = await fetch(url.FunctionUrl ?? '', { headers: { origin: 'https://a.example' } });
    assert.equal(((await answer.json()) as { word: string }).word, 'one');
    assert.equal(answer.headers.get('access-control-allow-origin'), 'https://a.example');
    const asks = { origin: 'https://a.example', 'access-control-request-method': 'GET' };
    const preflight = await fetch(url.FunctionUrl ?? '', { method: 'OPTIONS', headers: asks });
    assert.deepEqual(
      [preflight.status, preflight.headers.get('access-control-allow-methods'), preflight.headers.get('access-control-max-age')],
      [200, 'GET', '5'],
    );
    const other = await fetch(url.FunctionUrl ?? '', { headers: { origin: 'https://b.example' } });
    assert.equal(other.headers.get('access-control-allow-origin'), null);
    assert.equal((await fetch(`${server.endpoint}/fn/versioned/`)).status, 403);
  });

  test('provisioned instances are kept for the version; what is reserved beyond them is for the rest', async () => {
    const FunctionName = 'provisioned';
    await create(FunctionName, WORD('p'), { Publish: true });
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 1 }));
    const version = { FunctionName, Qualifier: '1' };
    await client.send(new PutProvisionedConcurrencyConfigCommand({ ...version, ProvisionedConcurrentExecutions: 1 }));
    await until(async () => (await client.send(new GetProvisionedConcurrencyConfigCommand(version))).Status === 'READY');
    const kept = (await server.client.resident(FunctionName)).instances.map((i) => i.id);
    assert.equal(kept.length, 1);
    const first = await client.send(new InvokeCommand({ ...version, LogType: 'Tail' }));
    assert.equal((JSON.parse(Buffer.from(first.Payload ?? []).toString()) as { word: string }).word, 'p');
    // As on Lambda, the first call of one is not a cold start.
    const report = Buffer.from(first.LogResult ?? '', 'base64').toString();
    assert.match(report, /REPORT RequestId/);
    assert.doesNotMatch(report, /Init Duration/);
    const after = (await server.client.resident(FunctionName)).instances;
    assert.deepEqual(
      after.map((i) => [i.id, i.version, i.invocations]),
      [[kept[0], '1', 1]],
      'the instance that was kept served',
    );
    await assert.rejects(client.send(new InvokeCommand({ FunctionName })), (error: unknown) => {
      assert.ok(error instanceof TooManyRequestsException);
      assert.equal(error.Reason, 'ReservedFunctionConcurrentInvocationLimitExceeded');
      return true;
    });
  });

  test('provisioned concurrency of a version whose init phase fails has failed, and says why', async () => {
    const FunctionName = 'never-ready';
    await create(FunctionName, `throw new Error('no weights here')`, { Publish: true });
    const version = { FunctionName, Qualifier: '1' };
    await client.send(new PutProvisionedConcurrencyConfigCommand({ ...version, ProvisionedConcurrentExecutions: 1 }));
    await until(async () => (await client.send(new GetProvisionedConcurrencyConfigCommand(version))).Status !== 'IN_PROGRESS');
    const {
      Status,
      StatusReason,
      AvailableProvisionedConcurrentExecutions: there,
    } = await client.send(new GetProvisionedConcurrencyConfigCommand(version));
    assert.deepEqual([Status, StatusReason, there], ['FAILED', 'FUNCTION_ERROR_INIT_FAILURE', 0]);
  });

  test('layers are found by the paths of the language, the later over the earlier', async () => {
    const FunctionName = 'layered';
    await create(FunctionName, `exports.handler = async () => ({ word: require('from-layer'), other: require('only-first') });`);
    const arns: string[] = [];
    const first = {
      'nodejs/node_modules/from-layer/index.js': `module.exports = 'first'`,
      'nodejs/node_modules/only-first/index.js': `module.exports = 1`,
    };
    const second = { 'nodejs/node_modules/from-layer/index.js': `module.exports = 'second'` };
    const both: Record<string, string>[] = [first, second];
    for (const files of both) {
      const Content = { ZipFile: await zipOf(files) };
      const layer = await client.send(new PublishLayerVersionCommand({ LayerName: `layer-${arns.length}`, Content }));
      assert.equal((await fetch(layer.Content?.Location ?? '')).status, 200);
      arns.push(layer.LayerVersionArn ?? '');
    }
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Layers: arns }));
    await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 30 }, { FunctionName });
    assert.deepEqual(await invoke(FunctionName), { executed: '$LATEST', word: 'second', other: 1 });
  });

  test('InvokeWithResponseStream answers in the form of AWS’s event stream, errors of the function at its end', async () => {
    const FunctionName = 'streamed';
    await create(FunctionName, `exports.handler = async (e) => { if (e.fail) throw new RangeError('no'); return { a: 'ä' }; };`);
    const events = async (Payload: string): Promise<{ chunks: string; end: Record<string, unknown> }> => {
      const answer = await client.send(new InvokeWithResponseStreamCommand({ FunctionName, Payload, LogType: 'Tail' }));
      assert.equal(answer.ExecutedVersion, '$LATEST');
      let chunks = '';
      let end: Record<string, unknown> = {};
      for await (const event of answer.EventStream ?? []) {
        chunks += Buffer.from(event.PayloadChunk?.Payload ?? []).toString();
        end = { ...end, ...event.InvokeComplete };
      }
      return { chunks, end };
    };
    const good = await events('{}');
    assert.equal(good.chunks, '{"a":"ä"}');
    assert.match(Buffer.from(String(good.end['LogResult']), 'base64').toString(), /^START RequestId/);
    const bad = await events('{"fail":true}');
    assert.deepEqual([bad.chunks, bad.end['ErrorCode']], ['', 'Unhandled']);
    assert.match(String(bad.end['ErrorDetails']), /RangeError/);
  });

  test('what was made is there after a restart', async () => {
    const permission = { StatementId: 's', Action: 'lambda:InvokeFunction', Principal: '*' };
    await client.send(new AddPermissionCommand({ FunctionName: 'versioned', Qualifier: 'live', ...permission }));
    // Which a database gives back in another order.
    const Environment = { Variables: { ZED: '1', AB: '2', LONGER: '3' } };
    await create('ordered', WORD('ordered'), { Environment });
    const publish = () => client.send(new PublishVersionCommand({ FunctionName: 'ordered' }));
    const published = await publish();
    assert.equal((await publish()).Version, '1');
    const { home } = server;
    await server.stop();
    server = await TestServer.start({ home });
    client.destroy();
    client = new LambdaClient(clientOptions(server));
    assert.equal((await invoke('versioned:live'))['word'], 'one');
    const again = await publish();
    assert.deepEqual([again.Version, again.RevisionId], ['1', published.RevisionId]);
    const policy = await client.send(new GetPolicyCommand({ FunctionName: 'versioned', Qualifier: 'live' }));
    assert.match(policy.Policy ?? '', /"Sid":"s"/);
    assert.equal((await client.send(new PublishVersionCommand({ FunctionName: 'versioned' }))).Version, '3');
    assert.equal((await invoke('layered'))['word'], 'second');
  });
});
