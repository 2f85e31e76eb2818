import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  PublishVersionCommand,
  SnapStartNotReadyException,
  waitUntilPublishedVersionActive,
  type Runtime,
} from '@aws-sdk/client-lambda';
import { zipOf } from '../../src/control/testing/plane.ts';
import { Diary } from './diary.ts';
import { TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

/** Its init phase tells the diary, waits for its answer, and fails where it is to. */
const CODE = `
await fetch(process.env.DIARY, { method: 'POST', headers: { connection: 'close' }, body: '{"n":1}' });
if (process.env.FAILS) throw new RangeError('no way to begin' + (process.env.FAILS === 'binary' ? '\\0\\ud800' : ''));
export const handler = async () => 'served';
`;

let server: TestServer;
let lambda: LambdaClient;
let diary: Diary;

before(async () => {
  server = await TestServer.start();
  lambda = new LambdaClient(clientOptions(server));
  diary = await Diary.open();
});
after(async () => {
  lambda.destroy();
  assert.deepEqual(await server.end(), []);
  await diary[Symbol.asyncDispose]();
});

async function create(FunctionName: string, variables: Record<string, string> = {}): Promise<void> {
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: `nodejs${process.versions.node.split('.')[0]}.x` as Runtime,
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/r',
      Code: { ZipFile: await zipOf({ 'index.mjs': CODE }) },
      SnapStart: { ApplyOn: 'PublishedVersions' },
      Environment: { Variables: { DIARY: diary.url, ...variables } },
    }),
  );
}

const publish = (FunctionName: string) => lambda.send(new PublishVersionCommand({ FunctionName }));
const look = (FunctionName: string, Qualifier?: string) =>
  lambda.send(new GetFunctionConfigurationCommand({ FunctionName, ...(Qualifier === undefined ? {} : { Qualifier }) }));
const invoke = async (FunctionName: string, Qualifier: string) => {
  const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName, Qualifier }));
  return { value: JSON.parse(Buffer.from(Payload ?? []).toString()) as unknown, error: FunctionError };
};

describe('SnapStart of published versions', { skip: process.platform === 'linux' ? false : 'forking needs Linux' }, () => {
  test('a version is Pending while its snapshot is made, and then Active', async () => {
    let release = (): void => {};
    diary.hold = new Promise((resolve) => (release = resolve));
    await create('snaps');
    assert.deepEqual((await look('snaps')).SnapStart, { ApplyOn: 'PublishedVersions', OptimizationStatus: 'Off' });
    const published = await publish('snaps');
    assert.deepEqual([published.Version, published.State, published.StateReasonCode], ['1', 'Pending', 'Creating']);
    assert.equal(published.SnapStart?.OptimizationStatus, 'Off');
    await lambda.send(new CreateAliasCommand({ FunctionName: 'snaps', Name: 'live', FunctionVersion: '1' }));
    await until(() => diary.entries.length === 1);
    assert.equal((await look('snaps', '1')).State, 'Pending');
    const refused = (error: unknown): boolean => {
      assert.ok(error instanceof SnapStartNotReadyException, String(error));
      assert.equal(error.$metadata.httpStatusCode, 409);
      assert.match(error.message, /^Lambda is initializing your function/);
      return true;
    };
    await assert.rejects(invoke('snaps', '1'), refused);
    await assert.rejects(invoke('snaps', 'live'), refused);
    await assert.rejects(lambda.send(new InvokeWithResponseStreamCommand({ FunctionName: 'snaps', Qualifier: '1' })), refused);
    assert.equal((await look('snaps')).State, 'Active');

    release();
    const { state } = await waitUntilPublishedVersionActive(
      { client: lambda, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
      { FunctionName: 'snaps', Qualifier: '1' },
    );
    assert.equal(state, 'SUCCESS');
    assert.deepEqual((await look('snaps', '1')).SnapStart, { ApplyOn: 'PublishedVersions', OptimizationStatus: 'On' });
    assert.deepEqual(await invoke('snaps', 'live'), { value: 'served', error: undefined });
    const [usage] = await server.client.usageRecords({ functionName: 'snaps', limit: 1 });
    assert.equal(usage?.coldRung, 'snapshot');
    assert.equal(diary.entries.length, 1); // the init phase has run once
  });

  for (const [name, how, says] of [
    ['snaps-not', '1', 'no way to begin'],
    ['snaps-not-plain', 'binary', 'no way to begin\ufffd\ufffd'], // in no database's words
  ] as const)
    test(`one whose init phase fails is Failed, with the reason: ${name}`, async () => {
      diary.hold = Promise.resolve();
      await create(name, { FAILS: how });
      await publish(name);
      const waited = waitUntilPublishedVersionActive(
        { client: lambda, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
        { FunctionName: name, Qualifier: '1' },
      );
      await assert.rejects(waited, /FAILURE/);
      const { State, StateReason, StateReasonCode, SnapStart } = await look(name, '1');
      assert.deepEqual(
        [State, StateReason, StateReasonCode, SnapStart?.OptimizationStatus],
        ['Failed', `RangeError: ${says}`, 'FunctionError.RuntimeInitError', 'Off'],
      );
      const { value, error } = await invoke(name, '1');
      assert.deepEqual([error, (value as { errorType: string }).errorType], ['Unhandled', 'RangeError']);
    });
});
