import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionUrlConfigCommand,
  GetAccountSettingsCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetFunctionUrlConfigCommand,
  LambdaClient,
  ListAliasesCommand,
  ListFunctionsCommand,
  ListTagsCommand,
  ListVersionsByFunctionCommand,
  PreconditionFailedException,
  PutFunctionConcurrencyCommand,
  ResourceConflictException,
  ResourceNotFoundException,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  UpdateFunctionUrlConfigCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';

let plane: TestPlane;
let client: LambdaClient;
let zip: Buffer;

before(async () => {
  plane = await openPlane();
  client = new LambdaClient({
    endpoint: plane.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    maxAttempts: 1,
  });
  zip = await zipOf({ 'index.js': 'exports.handler = async () => 1' });
});
after(async () => {
  client.destroy();
  await plane.close();
});

function create(FunctionName: string) {
  return client.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/r',
      Code: { ZipFile: zip },
      Tags: { team: 'a' },
    }),
  );
}

test('the life of a function through AWS’s own SDK', async () => {
  const FunctionName = 'life';
  const made = await create(FunctionName);
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 5 }, { FunctionName });
  const got = await client.send(new GetFunctionCommand({ FunctionName: made.FunctionArn }));
  assert.equal(got.Configuration?.CodeSha256, made.CodeSha256);
  assert.deepEqual(got.Tags, { team: 'a' });
  const download = await fetch(got.Code?.Location ?? '');
  assert.deepEqual(Buffer.from(await download.arrayBuffer()), zip);

  const configured = await client.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName,
      MemorySize: 256,
      Timeout: 9,
      Environment: { Variables: { KEY: 'value' } },
      RevisionId: made.RevisionId,
    }),
  );
  await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 5 }, { FunctionName });
  assert.deepEqual(
    [configured.MemorySize, configured.Timeout, configured.Environment?.Variables, configured.Handler],
    [256, 9, { KEY: 'value' }, 'index.handler'],
  );
  await assert.rejects(
    client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zip, RevisionId: made.RevisionId })),
    PreconditionFailedException,
  );
  const recoded = await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await zipOf({ 'index.js': '2' }) }));
  assert.notEqual(recoded.CodeSha256, made.CodeSha256);
  // As on AWS, the revision changes once more when the function has become what it was told to be; the one before is taken as well.
  const { RevisionId: settled } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
  assert.notEqual(settled, recoded.RevisionId);
  const revision = { FunctionName, Description: 'x', RevisionId: recoded.RevisionId };
  await client.send(new UpdateFunctionConfigurationCommand(revision));
  await assert.rejects(client.send(new UpdateFunctionConfigurationCommand(revision)), PreconditionFailedException);
  assert.equal((await client.send(new ListVersionsByFunctionCommand({ FunctionName }))).Versions?.[0]?.Version, '$LATEST');

  await assert.rejects(create(FunctionName), ResourceConflictException);
  await client.send(new DeleteFunctionCommand({ FunctionName }));
  await assert.rejects(client.send(new GetFunctionCommand({ FunctionName })), (error: unknown) => {
    assert.ok(error instanceof ResourceNotFoundException);
    assert.equal(error.message, 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:life');
    return true;
  });
  await assert.rejects(client.send(new DeleteFunctionCommand({ FunctionName })), ResourceNotFoundException);
});

test('lists come in pages', async () => {
  for (const name of ['page-a', 'page-b', 'page-c']) await create(name);
  const names: (string | undefined)[] = [];
  let Marker: string | undefined;
  do {
    const page = await client.send(new ListFunctionsCommand({ MaxItems: 2, Marker }));
    names.push(...(page.Functions ?? []).map((f) => f.FunctionName));
    Marker = page.NextMarker;
  } while (Marker !== undefined);
  assert.deepEqual(names, ['page-a', 'page-b', 'page-c']);
});

test('concurrency, function URLs, tags and the account', async () => {
  const FunctionName = 'extras';
  const { FunctionArn: Resource } = await create(FunctionName);
  await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
  assert.equal((await client.send(new GetFunctionConcurrencyCommand({ FunctionName }))).ReservedConcurrentExecutions, 0);
  assert.equal(plane.registry.get(FunctionName)?.scaling.max, 0);
  await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  assert.equal((await client.send(new GetFunctionConcurrencyCommand({ FunctionName }))).ReservedConcurrentExecutions, undefined);

  const url = await client.send(new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE' }));
  assert.equal(url.FunctionUrl, `${plane.endpoint}/fn/extras/`);
  await assert.rejects(client.send(new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE' })), ResourceConflictException);
  await client.send(new UpdateFunctionUrlConfigCommand({ FunctionName, AuthType: 'AWS_IAM' }));
  assert.equal((await client.send(new GetFunctionUrlConfigCommand({ FunctionName }))).AuthType, 'AWS_IAM');
  await client.send(new DeleteFunctionUrlConfigCommand({ FunctionName }));
  await assert.rejects(client.send(new GetFunctionUrlConfigCommand({ FunctionName })), ResourceNotFoundException);

  await client.send(new TagResourceCommand({ Resource, Tags: { b: '2', c: '3' } }));
  await client.send(new UntagResourceCommand({ Resource, TagKeys: ['team', 'b'] }));
  assert.deepEqual((await client.send(new ListTagsCommand({ Resource }))).Tags, { c: '3' });

  const account = await client.send(new GetAccountSettingsCommand({}));
  assert.deepEqual([account.AccountLimit?.ConcurrentExecutions, account.AccountLimit?.CodeSizeUnzipped], [1000, 500_000_000]);
  assert.deepEqual((await client.send(new ListAliasesCommand({ FunctionName }))).Aliases, []);
});
