import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  ListTagsForResourceCommand,
  ListTagsLogGroupCommand,
  PutLogGroupDeletionProtectionCommand,
  PutRetentionPolicyCommand,
  TagLogGroupCommand,
  TagResourceCommand,
  UntagLogGroupCommand,
  UntagResourceCommand,
  type CreateLogGroupCommandInput,
  type LogGroup,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateFunctionCommand, DeleteFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';
import { clientOptions, toolCredentials } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as 'nodejs20.x';
const DAY_MS = 24 * 60 * 60_000;

let server: TestServer;
let logs: CloudWatchLogsClient;
let lambda: LambdaClient;

before(async () => {
  server = await TestServer.start();
  connect();
});
after(async () => {
  disconnect();
  assert.deepEqual(await server.end(), []);
});

function connect(): void {
  logs = new CloudWatchLogsClient(clientOptions(server));
  lambda = new LambdaClient(clientOptions(server));
}

function disconnect(): void {
  logs.destroy();
  lambda.destroy();
}

async function restart(): Promise<void> {
  disconnect();
  await server.stop();
  server = await TestServer.start({ home: server.home });
  connect();
}

async function create(FunctionName: string, LogGroup?: string): Promise<void> {
  const code = `exports.handler = async (text) => { console.log(text); };`;
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: NODE,
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/r',
      Code: { ZipFile: await zipOf({ 'index.js': code }) },
      LoggingConfig: LogGroup === undefined ? undefined : { LogGroup },
    }),
  );
}

const say = (FunctionName: string, text: string) =>
  lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(text)) }));

async function described(logGroupNamePrefix: string): Promise<LogGroup[]> {
  return (await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix }))).logGroups ?? [];
}

async function messages(logGroupName: string): Promise<string[]> {
  const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: '-RequestId' }));
  return events.map((e) => e.message?.trimEnd() ?? '');
}

const make = (logGroupName: string, more: Partial<CreateLogGroupCommandInput> = {}) =>
  logs.send(new CreateLogGroupCommand({ logGroupName, ...more }));

describe('log groups, by the AWS SDK', () => {
  test('a group is made before its function, with tags and a retention, and is seen and read', async () => {
    const logGroupName = '/aws/lambda/later';
    await make(logGroupName, { tags: { env: 'test' } });
    await logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: 14 }));
    const [group, ...others] = await described(logGroupName);
    const { creationTime = 0, ...rest } = group ?? {};
    const logGroupArn = `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}`;
    assert.deepEqual(
      [rest, others],
      [
        {
          logGroupName,
          retentionInDays: 14,
          metricFilterCount: 0,
          arn: `${logGroupArn}:*`,
          logGroupArn,
          storedBytes: 0,
          logGroupClass: 'STANDARD',
          deletionProtectionEnabled: false,
        },
        [],
      ],
    );
    assert.deepEqual(await messages(logGroupName), []);
    assert.deepEqual((await logs.send(new DescribeLogStreamsCommand({ logGroupName }))).logStreams, []);
    await create('later');
    await say('later', 'first words');
    assert.ok((await messages(logGroupName)).some((m) => m.includes('first words')));
    const [after] = await described(logGroupName);
    assert.deepEqual([after?.creationTime, after?.retentionInDays], [creationTime, 14]);
    await logs.send(new DeleteRetentionPolicyCommand({ logGroupName }));
    assert.equal((await described(logGroupName))[0]?.retentionInDays, undefined);
    assert.ok((await messages(logGroupName)).some((m) => m.includes('first words')));
  });

  test('the group that a function has is made once all the same, and stays when the function goes', async () => {
    const logGroupName = '/aws/lambda/earlier';
    await create('earlier');
    await make(logGroupName);
    await assert.rejects(make(logGroupName), {
      name: 'ResourceAlreadyExistsException',
      message: 'The specified log group already exists',
    });
    await lambda.send(new DeleteFunctionCommand({ FunctionName: 'earlier' }));
    assert.deepEqual(
      (await described(logGroupName)).map((g) => g.logGroupName),
      [logGroupName],
    );
    await logs.send(new DeleteLogGroupCommand({ logGroupName }));
    assert.deepEqual(await described(logGroupName), []);
  });

  test('tags are listed, added and taken away, by name and by ARN', async () => {
    const logGroupName = 'tagged';
    const resourceArn = `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}`;
    await make(logGroupName, { tags: { a: '1' } });
    await logs.send(new TagResourceCommand({ resourceArn, tags: { b: '2', c: '3' } }));
    await logs.send(new TagLogGroupCommand({ logGroupName, tags: { d: '4' } }));
    const byArn = await logs.send(new ListTagsForResourceCommand({ resourceArn }));
    const byName = await logs.send(new ListTagsLogGroupCommand({ logGroupName }));
    assert.deepEqual([byArn.tags, byName.tags], [{ a: '1', b: '2', c: '3', d: '4' }, byArn.tags]);
    await logs.send(new UntagLogGroupCommand({ logGroupName, tags: ['d'] }));
    await logs.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a', 'b'] }));
    assert.deepEqual((await logs.send(new ListTagsForResourceCommand({ resourceArn }))).tags, { c: '3' });
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, 'v']));
    await assert.rejects(logs.send(new TagResourceCommand({ resourceArn, tags })), { name: 'TooManyTagsException' });
  });

  test('with a group goes what its functions wrote; they go on writing', async () => {
    const logGroupName = 'shared';
    await make(logGroupName, { deletionProtectionEnabled: true });
    for (const name of ['one', 'two']) {
      await create(name, logGroupName);
      await say(name, `of ${name}`);
    }
    assert.equal((await messages(logGroupName)).filter((m) => /\tof (one|two)$/.test(m)).length, 2);
    const remove = () => logs.send(new DeleteLogGroupCommand({ logGroupName }));
    await assert.rejects(remove(), { name: 'ValidationException', message: /deletion protection/ });
    const unprotect = { logGroupIdentifier: logGroupName, deletionProtectionEnabled: false };
    await logs.send(new PutLogGroupDeletionProtectionCommand(unprotect));
    await remove();
    assert.deepEqual(await messages(logGroupName), []);
    await say('one', 'again');
    assert.deepEqual(
      (await messages(logGroupName)).map((m) => m.split('\t').at(-1)),
      ['again'],
    );
  });

  test('what is wrong is refused in CloudWatch’s words', async () => {
    const gone = { name: 'ResourceNotFoundException', message: 'The specified log group does not exist.' };
    const logGroupName = 'nowhere';
    const resourceArn = `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}`;
    await assert.rejects(logs.send(new DeleteLogGroupCommand({ logGroupName })), gone);
    await assert.rejects(logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: 7 })), gone);
    await assert.rejects(logs.send(new DeleteRetentionPolicyCommand({ logGroupName })), gone);
    await assert.rejects(logs.send(new ListTagsForResourceCommand({ resourceArn })), gone);
    await assert.rejects(logs.send(new TagLogGroupCommand({ logGroupName, tags: { a: 'b' } })), gone);
    assert.deepEqual(await described(logGroupName), []);
    await make('right');
    await assert.rejects(logs.send(new PutRetentionPolicyCommand({ logGroupName: 'right', retentionInDays: 2 })), {
      name: 'InvalidParameterException',
      message:
        /^1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: \[1, 3, 5,/,
    });
    for (const more of [{ kmsKeyId: 'arn:aws:kms:us-east-1:000000000000:key/k' }, { logGroupClass: 'DELIVERY' as const }])
      await assert.rejects(make('wrong', more), { name: 'InvalidParameterException', message: /kmsKeyId|logGroupClass/ });
    await assert.rejects(make('a b'), { name: 'InvalidParameterException' });
  });
});

test('a retention is applied: what is older is neither given out nor kept', async () => {
  const logGroupName = '/aws/lambda/keeper';
  const folder = join(server.home, 'logs', 'keeper');
  const [old, young] = [Date.now() - 3 * DAY_MS, Date.now() - DAY_MS / 2];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'previous.log'), `${old}\tstream\t\tvery old\n`);
  writeFileSync(join(folder, 'current.log'), `${old}\tstream\t\told\n${young}\tstream\t\tyoung\n`);
  await create('keeper');
  await say('keeper', 'new');
  const read = async () => (await messages(logGroupName)).map((m) => m.split('\t').at(-1));
  assert.deepEqual(await read(), ['very old', 'old', 'young', 'new']);
  await logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: 1 }));
  assert.deepEqual(await read(), ['young', 'new']);
  const stream = await logs.send(new GetLogEventsCommand({ logGroupName, logStreamName: 'stream', startFromHead: true }));
  assert.deepEqual(
    stream.events?.map((e) => e.message),
    ['young\n'],
  );
  const own: string[] = [];
  for await (const { stream: of, text } of server.client.logs({ functionName: 'keeper' })) if (of === 'stream') own.push(text);
  assert.deepEqual(own, ['young']);
  await restart();
  assert.deepEqual(await read(), ['young', 'new']);
  assert.equal((await described(logGroupName))[0]?.retentionInDays, 1);
  await until(() => !readFileSync(join(folder, 'current.log'), 'utf8').includes('old') && !readdirSync(folder).includes('previous.log'));
});

describe('log groups, by AWS’s tools', () => {
  const missing = (program: string, args: readonly string[]): string | false =>
    spawnSync(program, args).status === 0 ? false : `${program} ${args.join(' ')} does not work here`;
  const run = async (program: string, args: readonly string[]): Promise<string> => {
    const env = { PATH: process.env['PATH'], HOME: server.home, ...toolCredentials(server), PYTHONWARNINGS: 'ignore' };
    return (await promisify(execFile)(program, [...args], { env })).stdout;
  };

  test('the aws command', { skip: missing('aws', ['--version']) }, async () => {
    await run('aws', ['logs', 'create-log-group', '--log-group-name', 'by-cli', '--tags', 'a=b']);
    await run('aws', ['logs', 'put-retention-policy', '--log-group-name', 'by-cli', '--retention-in-days', '7']);
    const query = 'logGroups[].[logGroupName,retentionInDays]';
    const found = await run('aws', ['logs', 'describe-log-groups', '--log-group-name-prefix', 'by-', '--query', query, '--output', 'text']);
    assert.equal(found, 'by-cli\t7\n');
    await run('aws', ['logs', 'delete-log-group', '--log-group-name', 'by-cli']);
  });

  test('boto3 makes a group as a deploy script does', { skip: missing('python3', ['-c', 'import boto3']) }, async () => {
    const script = `
import boto3
logs = boto3.client('logs')
for _ in range(2):
    try:
        logs.create_log_group(logGroupName='by-boto')
    except logs.exceptions.ResourceAlreadyExistsException:
        print('there')
    logs.put_retention_policy(logGroupName='by-boto', retentionInDays=30)
print(logs.describe_log_groups(logGroupNamePrefix='by-boto')['logGroups'][0]['retentionInDays'])`;
    assert.equal(await run('python3', ['-c', script]), 'there\n30\n');
  });
});
