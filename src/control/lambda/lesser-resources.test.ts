import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as aws from '@aws-sdk/client-lambda';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';

let plane: TestPlane;
let client: aws.LambdaClient;
let zip: Buffer;

const OWN = 'arn:aws:lambda:us-east-1:000000000000';

before(async () => {
  plane = await openPlane();
  const credentials = { accessKeyId: 'x', secretAccessKey: 'y' };
  client = new aws.LambdaClient({ endpoint: plane.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  zip = await zipOf({ 'index.js': 'exports.handler = async () => 1' });
});
after(async () => {
  client.destroy();
  await plane.close();
});

/** A function with its first version. */
async function create(FunctionName: string): Promise<string> {
  const settings = { Runtime: 'nodejs20.x', Handler: 'index.handler', Role: 'arn:aws:iam::000000000000:role/r', Publish: true } as const;
  await client.send(new aws.CreateFunctionCommand({ FunctionName, Code: { ZipFile: zip }, ...settings }));
  return FunctionName;
}

const absent = { name: 'ResourceNotFoundException' };
const wrong = { name: 'InvalidParameterValueException' };

test('event invoke configs: put replaces, update changes, each qualifier has its own', async () => {
  const FunctionName = await create('events');
  const get = (Qualifier?: string) =>
    client.send(new aws.GetFunctionEventInvokeConfigCommand({ FunctionName, ...(Qualifier === undefined ? {} : { Qualifier }) }));
  await assert.rejects(get(), absent);
  await assert.rejects(client.send(new aws.UpdateFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1 })), absent);
  const put = await client.send(
    new aws.PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 }),
  );
  assert.deepEqual([put.FunctionArn, put.MaximumEventAgeInSeconds], [`${OWN}:function:events:$LATEST`, 60]);
  await client.send(new aws.UpdateFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 0 }));
  const updated = await get();
  assert.deepEqual([updated.MaximumRetryAttempts, updated.MaximumEventAgeInSeconds], [0, 60]);
  await client.send(new aws.PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 2 }));
  assert.equal((await get()).MaximumEventAgeInSeconds, undefined);
  const own = `${OWN}:function:events`;
  const toItself = { DestinationConfig: { OnFailure: { Destination: own } } };
  await assert.rejects(client.send(new aws.PutFunctionEventInvokeConfigCommand({ FunctionName, ...toItself })), wrong);
  await assert.rejects(client.send(new aws.PutFunctionEventInvokeConfigCommand({ FunctionName })), wrong);
  await client.send(new aws.DeleteFunctionEventInvokeConfigCommand({ FunctionName }));
  await assert.rejects(client.send(new aws.DeleteFunctionEventInvokeConfigCommand({ FunctionName })), absent);
});

test('code signing configs are kept, given to functions, and not deleted while one has them', async () => {
  const FunctionName = await create('signed');
  const AllowedPublishers = { SigningProfileVersionArns: ['arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789'] };
  const made = await client.send(new aws.CreateCodeSigningConfigCommand({ AllowedPublishers, Description: 'one' }));
  const CodeSigningConfigArn = made.CodeSigningConfig?.CodeSigningConfigArn ?? '';
  assert.match(CodeSigningConfigArn, /^arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-[0-9a-f]{17}$/);
  assert.equal(made.CodeSigningConfig?.CodeSigningPolicies?.UntrustedArtifactOnDeployment, 'Warn');
  const CodeSigningPolicies = { UntrustedArtifactOnDeployment: 'Enforce' } as const;
  await client.send(new aws.UpdateCodeSigningConfigCommand({ CodeSigningConfigArn, CodeSigningPolicies }));
  const { CodeSigningConfig } = await client.send(new aws.GetCodeSigningConfigCommand({ CodeSigningConfigArn }));
  assert.deepEqual([CodeSigningConfig?.Description, CodeSigningConfig?.CodeSigningPolicies], ['one', CodeSigningPolicies]);
  await client.send(new aws.PutFunctionCodeSigningConfigCommand({ FunctionName, CodeSigningConfigArn }));
  const of = await client.send(new aws.GetFunctionCodeSigningConfigCommand({ FunctionName }));
  assert.equal(of.CodeSigningConfigArn, CodeSigningConfigArn);
  const users = await client.send(new aws.ListFunctionsByCodeSigningConfigCommand({ CodeSigningConfigArn }));
  assert.deepEqual(users.FunctionArns, [`${OWN}:function:signed`]);
  const remove = () => client.send(new aws.DeleteCodeSigningConfigCommand({ CodeSigningConfigArn }));
  await assert.rejects(remove(), { name: 'ResourceConflictException' });
  await client.send(new aws.DeleteFunctionCodeSigningConfigCommand({ FunctionName }));
  await remove();
  const gone = { name: 'CodeSigningConfigNotFoundException' };
  await assert.rejects(remove(), (error: Error) => error instanceof aws.ResourceNotFoundException || error.name === gone.name);
  await assert.rejects(client.send(new aws.PutFunctionCodeSigningConfigCommand({ FunctionName, CodeSigningConfigArn })), gone);
});

test('runtime management and recursion are settings of their own', async () => {
  const FunctionName = await create('managed');
  const look = () => client.send(new aws.GetRuntimeManagementConfigCommand({ FunctionName }));
  const set = (UpdateRuntimeOn: aws.UpdateRuntimeOn, RuntimeVersionArn?: string) =>
    client.send(
      new aws.PutRuntimeManagementConfigCommand({
        FunctionName,
        UpdateRuntimeOn,
        ...(RuntimeVersionArn === undefined ? {} : { RuntimeVersionArn }),
      }),
    );
  assert.equal((await look()).UpdateRuntimeOn, 'Auto');
  assert.equal((await set('FunctionUpdate')).FunctionArn, `${OWN}:function:managed:$LATEST`);
  await assert.rejects(set('Manual'), wrong);
  const { RuntimeVersionConfig } = await client.send(new aws.GetFunctionConfigurationCommand({ FunctionName }));
  const build = RuntimeVersionConfig?.RuntimeVersionArn ?? '';
  await assert.rejects(set('Auto', build), wrong);
  await assert.rejects(
    set(
      'Manual',
      build.replace(/.$/, (c) => (c === '0' ? '1' : '0')),
    ),
    wrong,
  );
  await set('Manual', build);
  assert.equal((await look()).RuntimeVersionArn, build);

  const loop = () => client.send(new aws.GetFunctionRecursionConfigCommand({ FunctionName }));
  assert.equal((await loop()).RecursiveLoop, 'Terminate');
  await client.send(new aws.PutFunctionRecursionConfigCommand({ FunctionName, RecursiveLoop: 'Allow' }));
  assert.equal((await loop()).RecursiveLoop, 'Allow');
  await assert.rejects(client.send(new aws.PutFunctionRecursionConfigCommand({ FunctionName: 'nobody', RecursiveLoop: 'Allow' })), absent);
});

test('permissions of functions, versions and layers: statements with their conditions, each with a revision', async () => {
  const FunctionName = await create('shared');
  const bucket = { StatementId: 's3', Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com', SourceArn: 'arn:aws:s3:::b' };
  const added = await client.send(new aws.AddPermissionCommand({ FunctionName, ...bucket }));
  assert.deepEqual(JSON.parse(added.Statement ?? ''), {
    Sid: 's3',
    Effect: 'Allow',
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'lambda:InvokeFunction',
    Resource: `${OWN}:function:shared`,
    Condition: { ArnLike: { 'AWS:SourceArn': 'arn:aws:s3:::b' } },
  });
  await assert.rejects(client.send(new aws.AddPermissionCommand({ FunctionName, ...bucket })), { name: 'ResourceConflictException' });
  await client.send(new aws.AddPermissionCommand({ FunctionName, Qualifier: '1', ...bucket }));
  const policy = await client.send(new aws.GetPolicyCommand({ FunctionName, Qualifier: '1' }));
  assert.match(policy.Policy ?? '', /"Resource":"[^"]*:function:shared:1"/);
  const RevisionId = 'a-revision-that-was';
  const stale = client.send(new aws.RemovePermissionCommand({ FunctionName, StatementId: 's3', RevisionId }));
  await assert.rejects(stale, { name: 'PreconditionFailedException' });
  await client.send(new aws.RemovePermissionCommand({ FunctionName, StatementId: 's3' }));
  await assert.rejects(client.send(new aws.GetPolicyCommand({ FunctionName })), absent);
  await client.send(new aws.GetPolicyCommand({ FunctionName, Qualifier: '1' }));

  const layer = { LayerName: 'shared', VersionNumber: 1 };
  await client.send(new aws.PublishLayerVersionCommand({ LayerName: 'shared', Content: { ZipFile: zip } }));
  const all = { StatementId: 'all', Action: 'lambda:GetLayerVersion', Principal: '*' };
  await client.send(new aws.AddLayerVersionPermissionCommand({ ...layer, ...all, OrganizationId: 'o-0123456789' }));
  const shown = await client.send(new aws.GetLayerVersionPolicyCommand(layer));
  assert.match(shown.Policy ?? '', /"aws:PrincipalOrgID":"o-0123456789"/);
  await client.send(new aws.RemoveLayerVersionPermissionCommand({ ...layer, StatementId: 'all' }));
  await assert.rejects(client.send(new aws.GetLayerVersionPolicyCommand(layer)), absent);
  await assert.rejects(client.send(new aws.AddLayerVersionPermissionCommand({ ...layer, VersionNumber: 2, ...all })), absent);
});

test('no policy grows beyond AWS’s 20 kB: neither a function’s nor a layer’s', async () => {
  const FunctionName = await create('crowded');
  const statement = { Action: 'lambda:InvokeFunction', Principal: `arn:aws:iam::000000000000:role/${'r'.repeat(400)}` };
  const layer = { LayerName: 'crowded', VersionNumber: 1 };
  await client.send(new aws.PublishLayerVersionCommand({ LayerName: 'crowded', Content: { ZipFile: zip } }));
  const full = async (add: (StatementId: string) => Promise<unknown>): Promise<void> => {
    let added = 0;
    const message = /^The final policy size \(20\d{3}\) is bigger than the limit \(20480\)\.$/;
    const fill = async (): Promise<void> => {
      for (; added < 300; added++) await add(`statement-${added}-${'s'.repeat(80)}`);
    };
    await assert.rejects(fill(), { name: 'PolicyLengthExceededException', message });
    assert.ok(added > 20, String(added));
  };
  await full((StatementId) => client.send(new aws.AddPermissionCommand({ FunctionName, StatementId, ...statement })));
  const shared = { ...layer, Action: 'lambda:GetLayerVersion', Principal: '*' };
  await full((StatementId) => client.send(new aws.AddLayerVersionPermissionCommand({ ...shared, StatementId })));
  const policy = await client.send(new aws.GetPolicyCommand({ FunctionName }));
  assert.ok((policy.Policy ?? '').length <= 20_480);
  const { Sid } = (JSON.parse(policy.Policy ?? '') as { Statement: { Sid: string }[] }).Statement[0] ?? { Sid: '' };
  await client.send(new aws.RemovePermissionCommand({ FunctionName, StatementId: Sid }));
  await client.send(new aws.AddPermissionCommand({ FunctionName, StatementId: 'again', ...statement }));
});

test('an alias is not changed to what it could not have been made as', async () => {
  const FunctionName = await create('routed');
  await client.send(new aws.UpdateFunctionConfigurationCommand({ FunctionName, Description: 'another' }));
  await client.send(new aws.PublishVersionCommand({ FunctionName }));
  const alias = { FunctionName, Name: 'live' };
  const RoutingConfig = { AdditionalVersionWeights: { 2: 0.5 } };
  const made = await client.send(new aws.CreateAliasCommand({ ...alias, FunctionVersion: '1', RoutingConfig }));
  const update = (FunctionVersion: string, more: object = {}) =>
    client.send(new aws.UpdateAliasCommand({ ...alias, FunctionVersion, ...more }));
  const message = 'Invalid function version 2. Function version 2 is already included in routing configuration.';
  await assert.rejects(update('2'), { ...wrong, message });
  await assert.rejects(update('$LATEST'), { ...wrong, message: '$LATEST is not supported for an alias pointing to more than 1 version' });
  assert.equal((await client.send(new aws.GetAliasCommand(alias))).RevisionId, made.RevisionId);
  const moved = await update('2', { RoutingConfig: { AdditionalVersionWeights: {} } });
  assert.deepEqual([moved.FunctionVersion, moved.RoutingConfig], ['2', undefined]);
  assert.equal((await update('$LATEST')).FunctionVersion, '$LATEST');
});

test('provisioned concurrency is of versions and aliases, a version once', async () => {
  const FunctionName = await create('provisioned');
  await client.send(new aws.CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
  const put = (Qualifier: string, ProvisionedConcurrentExecutions = 1) =>
    client.send(new aws.PutProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier, ProvisionedConcurrentExecutions }));
  assert.equal((await put('live')).Status, 'IN_PROGRESS');
  await assert.rejects(put('1'), { name: 'ResourceConflictException', message: 'Version is pointed by a Provisioned Concurrency alias' });
  await assert.rejects(put('$LATEST'), wrong);
  await assert.rejects(put('9'), absent);
  await assert.rejects(put('nobody'), absent);
  await assert.rejects(put('live', 1001), wrong);
  await client.send(new aws.PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 2 }));
  await assert.rejects(put('live', 3), wrong);
  const of = { FunctionName, Qualifier: 'live' };
  await client.send(new aws.DeleteProvisionedConcurrencyConfigCommand(of));
  const none = { name: 'ProvisionedConcurrencyConfigNotFoundException' };
  await assert.rejects(client.send(new aws.GetProvisionedConcurrencyConfigCommand(of)), none);
});

/** Every item of a list, one a page. */
async function each<P>(pages: AsyncIterable<P>, items: (page: P) => readonly unknown[] | undefined): Promise<number> {
  let count = 0;
  for await (const page of pages) {
    const found = items(page) ?? [];
    assert.ok(found.length <= 1, JSON.stringify(found));
    count += found.length;
  }
  return count;
}

test('every list that AWS’s SDK pages through comes in pages, each item once', async () => {
  const FunctionName = await create('listed');
  await create('listed-too');
  const EventSourceArn = 'arn:aws:sqs:us-east-1:000000000000:q';
  for (const n of [2, 3]) {
    await client.send(new aws.UpdateFunctionConfigurationCommand({ FunctionName, Description: String(n) }));
    await client.send(new aws.PublishVersionCommand({ FunctionName }));
  }
  const configs: string[] = [];
  for (const n of ['1', '2', '3']) {
    const Name = `alias-${n}`;
    await client.send(new aws.CreateAliasCommand({ FunctionName, Name, FunctionVersion: n }));
    await client.send(new aws.CreateFunctionUrlConfigCommand({ FunctionName, Qualifier: Name, AuthType: 'NONE' }));
    await client.send(new aws.PutFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: n, MaximumRetryAttempts: 0 }));
    const provisioned = { FunctionName, Qualifier: n, ProvisionedConcurrentExecutions: 1 };
    await client.send(new aws.PutProvisionedConcurrencyConfigCommand(provisioned));
    await client.send(new aws.PublishLayerVersionCommand({ LayerName: 'listed', Content: { ZipFile: zip } }));
    await client.send(new aws.PublishLayerVersionCommand({ LayerName: `listed-${n}`, Content: { ZipFile: zip } }));
    const AllowedPublishers = { SigningProfileVersionArns: ['arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789'] };
    const { CodeSigningConfig } = await client.send(new aws.CreateCodeSigningConfigCommand({ AllowedPublishers }));
    configs.push(CodeSigningConfig?.CodeSigningConfigArn ?? '');
  }
  for (const name of [FunctionName, 'listed-too']) {
    await client.send(new aws.PutFunctionCodeSigningConfigCommand({ FunctionName: name, CodeSigningConfigArn: configs[0] }));
    await client.send(new aws.CreateEventSourceMappingCommand({ FunctionName: name, EventSourceArn }));
  }
  const page = { client, pageSize: 1 };
  const mine = () => ({ FunctionName }); // the SDK leaves its marker in what it is given
  assert.equal(await each(aws.paginateListVersionsByFunction(page, mine()), (p) => p.Versions), 4);
  assert.equal(await each(aws.paginateListAliases(page, mine()), (p) => p.Aliases), 3);
  assert.equal(await each(aws.paginateListFunctionUrlConfigs(page, mine()), (p) => p.FunctionUrlConfigs), 3);
  assert.equal(await each(aws.paginateListFunctionEventInvokeConfigs(page, mine()), (p) => p.FunctionEventInvokeConfigs), 3);
  assert.equal(await each(aws.paginateListProvisionedConcurrencyConfigs(page, mine()), (p) => p.ProvisionedConcurrencyConfigs), 3);
  assert.equal(await each(aws.paginateListLayerVersions(page, { LayerName: 'listed' }), (p) => p.LayerVersions), 3);
  const layers = new Set<unknown>();
  await each(aws.paginateListLayers(page, {}), (p) => (p.Layers?.forEach((l) => layers.add(l.LayerName)), p.Layers));
  for (const n of ['', '-1', '-2', '-3']) assert.ok(layers.has(`listed${n}`));
  const { FunctionCount } = (await client.send(new aws.GetAccountSettingsCommand({}))).AccountUsage ?? {};
  assert.equal(await each(aws.paginateListFunctions(page, {}), (p) => p.Functions), FunctionCount);
  const signing = new Set<unknown>();
  await each(
    aws.paginateListCodeSigningConfigs(page, {}),
    (p) => (p.CodeSigningConfigs?.forEach((c) => signing.add(c.CodeSigningConfigArn)), p.CodeSigningConfigs),
  );
  for (const arn of configs) assert.ok(signing.has(arn));
  const using = { CodeSigningConfigArn: configs[0] };
  assert.equal(await each(aws.paginateListFunctionsByCodeSigningConfig(page, using), (p) => p.FunctionArns), 2);
  assert.equal(await each(aws.paginateListEventSourceMappings(page, { EventSourceArn }), (p) => p.EventSourceMappings), 2);
});
