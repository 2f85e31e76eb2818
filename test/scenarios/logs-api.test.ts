import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  paginateFilterLogEvents,
  StartQueryCommand,
  type FilterLogEventsCommandInput,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';
import { clientOptions, signedFetch, toolCredentials } from './server-credentials.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as 'nodejs20.x';
const GROUP = '/aws/lambda/teller';
const HANDLER = `exports.handler = async ({ lines }) => { for (const l of lines) process.stdout.write(l + '\\n'); return 'done'; };`;

let server: TestServer;
let logs: CloudWatchLogsClient;
let lambda: LambdaClient;
const home = mkdtempSync(join(tmpdir(), 'hearth-logs-api-'));

before(async () => {
  server = await TestServer.start();
  logs = new CloudWatchLogsClient(clientOptions(server));
  lambda = new LambdaClient(clientOptions(server));
  for (const FunctionName of ['teller', 'silent'])
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName,
        Runtime: NODE,
        Handler: 'index.handler',
        Role: 'arn:aws:iam::000000000000:role/r',
        Code: { ZipFile: await zipOf({ 'index.js': HANDLER }) },
      }),
    );
  await tell(['plain words', 'ERROR disk is full', JSON.stringify({ level: 'ERROR', ms: 7 }), JSON.stringify({ level: 'INFO', ms: 9 })]);
});

after(async () => {
  logs.destroy();
  lambda.destroy();
  rmSync(home, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
});

async function tell(lines: readonly string[]): Promise<string> {
  const { $metadata } = await lambda.send(new InvokeCommand({ FunctionName: 'teller', Payload: Buffer.from(JSON.stringify({ lines })) }));
  return $metadata.requestId ?? '';
}

async function filtered(more: Partial<FilterLogEventsCommandInput>): Promise<string[]> {
  const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName: GROUP, ...more }));
  return events.map((e) => e.message?.trimEnd() ?? '');
}

describe('CloudWatch Logs, by the AWS SDK', () => {
  test('groups and streams are described', async () => {
    const all = await logs.send(new DescribeLogGroupsCommand({}));
    assert.deepEqual(
      all.logGroups?.map((g) => g.logGroupName),
      ['/aws/lambda/silent', GROUP],
    );
    const [page] = [await logs.send(new DescribeLogGroupsCommand({ limit: 1 }))];
    const rest = await logs.send(new DescribeLogGroupsCommand({ limit: 1, nextToken: page.nextToken }));
    assert.deepEqual([rest.logGroups?.[0]?.logGroupName, rest.nextToken], [GROUP, undefined]);
    const found = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/lambda/te' }));
    const group = found.logGroups?.[0];
    assert.equal(group?.arn, `arn:aws:logs:us-east-1:000000000000:log-group:${GROUP}:*`);
    assert.ok((group.storedBytes ?? 0) > 100);
    const { logStreams = [] } = await logs.send(
      new DescribeLogStreamsCommand({ logGroupName: GROUP, orderBy: 'LastEventTime', descending: true }),
    );
    assert.match(logStreams[0]?.logStreamName ?? '', /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
    assert.ok((logStreams[0]?.lastEventTimestamp ?? 0) >= (logStreams[0]?.firstEventTimestamp ?? Infinity));
    const none = await logs.send(new DescribeLogStreamsCommand({ logGroupName: '/aws/lambda/silent' }));
    assert.deepEqual(none.logStreams, []);
  });

  test('events are filtered by terms, exclusion, alternatives, JSON and time', async () => {
    assert.deepEqual(await filtered({ filterPattern: 'ERROR disk' }), ['ERROR disk is full']);
    assert.deepEqual(await filtered({ filterPattern: '"disk is"' }), ['ERROR disk is full']);
    assert.deepEqual(await filtered({ filterPattern: 'ERROR -disk' }), ['{"level":"ERROR","ms":7}']);
    assert.deepEqual(await filtered({ filterPattern: '?plain ?full' }), ['plain words', 'ERROR disk is full']);
    assert.deepEqual(await filtered({ filterPattern: '{ $.level = "ERROR" }' }), ['{"level":"ERROR","ms":7}']);
    assert.deepEqual(await filtered({ startTime: Date.now() + 60_000 }), []);
    assert.deepEqual(await filtered({ endTime: 1_000 }), []);
    const all = await filtered({});
    assert.match(all[0] ?? '', /^START RequestId: /);
    assert.match(all.at(-1) ?? '', /^REPORT RequestId: /);
    const requestId = await tell(['again']);
    assert.equal((await filtered({ filterPattern: `"${requestId}"` })).filter((m) => m.startsWith('END ')).length, 1);
  });

  test('pages of FilterLogEvents give every event once', async () => {
    await tell(Array.from({ length: 25 }, (_, i) => `page ${i}`));
    const ids = new Set<string>();
    const messages: string[] = [];
    let pages = 0;
    for await (const page of paginateFilterLogEvents({ client: logs }, { logGroupName: GROUP, filterPattern: 'page', limit: 10 })) {
      pages++;
      for (const { eventId = '', message = '' } of page.events ?? []) {
        ids.add(eventId);
        messages.push(message.trimEnd());
      }
    }
    assert.deepEqual([pages, ids.size], [3, 25]);
    assert.deepEqual(
      messages,
      Array.from({ length: 25 }, (_, i) => `page ${i}`),
    );
  });

  test('a stream is read from either end, and its token waits at the end for what comes', async () => {
    await tell(['first of all']);
    const { logStreams = [] } = await logs.send(
      new DescribeLogStreamsCommand({ logGroupName: GROUP, orderBy: 'LastEventTime', descending: true, limit: 1 }),
    );
    const at = {
      logGroupIdentifier: `arn:aws:logs:us-east-1:000000000000:log-group:${GROUP}`,
      logStreamName: logStreams[0]?.logStreamName,
    };
    const get = (more: object) => logs.send(new GetLogEventsCommand({ ...at, ...more }));
    const whole = await get({ startFromHead: true });
    const texts = whole.events?.map((e) => e.message) ?? [];
    const newest = await get({ limit: 2 });
    assert.deepEqual(
      newest.events?.map((e) => e.message),
      texts.slice(-2),
    );
    const before = await get({ limit: 2, nextToken: newest.nextBackwardToken });
    assert.deepEqual(
      before.events?.map((e) => e.message),
      texts.slice(-4, -2),
    );
    const forward = await get({ limit: 2, nextToken: before.nextForwardToken });
    assert.deepEqual(
      forward.events?.map((e) => e.message),
      texts.slice(-2),
    );
    const end = await get({ nextToken: forward.nextForwardToken });
    assert.deepEqual([end.events, end.nextForwardToken], [[], forward.nextForwardToken]);
    assert.deepEqual(
      (await get({ limit: 2, nextToken: end.nextBackwardToken })).events?.map((e) => e.message),
      texts.slice(-2),
    );
    await tell(['came later']);
    const later = await get({ nextToken: end.nextForwardToken });
    assert.ok(later.events?.some((e) => e.message === 'came later\n'));
    const since = (whole.events?.at(-1)?.timestamp ?? 0) + 1;
    assert.deepEqual((await get({ endTime: since, startFromHead: true })).events?.length, texts.length);
  });

  test('what is wrong is refused in CloudWatch’s words', async () => {
    const refused = async (command: { input: object }, name: string, message: RegExp): Promise<void> => {
      await assert.rejects(logs.send(command as GetLogEventsCommand), (error: Error) => {
        assert.equal(error.name, name);
        assert.match(error.message, message);
        return true;
      });
    };
    const logGroupName = GROUP;
    await refused(
      new FilterLogEventsCommand({ logGroupName: '/aws/lambda/none' }),
      'ResourceNotFoundException',
      /The specified log group does not exist\./,
    );
    await refused(
      new GetLogEventsCommand({ logGroupName, logStreamName: 'none' }),
      'ResourceNotFoundException',
      /log stream does not exist/,
    );
    await refused(
      new FilterLogEventsCommand({ logGroupName, logStreamNames: ['none'] }),
      'ResourceNotFoundException',
      /log stream does not exist/,
    );
    await refused(
      new FilterLogEventsCommand({ logGroupName, filterPattern: 'a.b' }),
      'InvalidParameterException',
      /Invalid character\(s\) in term 'a\.b'/,
    );
    await refused(new FilterLogEventsCommand({ logGroupName, nextToken: 'x' }), 'InvalidParameterException', /nextToken is invalid/);
    await refused(
      new FilterLogEventsCommand({ logGroupName, limit: 20_000 }),
      'InvalidParameterException',
      /1 validation error detected: Value '20000' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000/,
    );
    await refused(new GetLogEventsCommand({ logStreamName: 'x' }), 'InvalidParameterException', /Exactly one of/);
    await refused(
      new DescribeLogGroupsCommand({ logGroupNamePrefix: 'a', logGroupNamePattern: 'b' }),
      'InvalidParameterException',
      /^LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters\.$/,
    );
    await refused(
      new StartQueryCommand({ logGroupName, queryString: 'fields @message', startTime: 1, endTime: 2 }),
      'UnknownOperationException',
      /Hearth serves of logs: .*DescribeLogGroups.*; not StartQuery\./,
    );
  });

  test('garbage is refused without a 5xx', async () => {
    const send = (body: string, target = 'Logs_20140328.FilterLogEvents') =>
      signedFetch(server, '/', {
        method: 'POST',
        service: 'logs',
        body,
        headers: { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' },
      });
    for (const [body, type] of [
      ['{', 'SerializationException'],
      ['[]', 'SerializationException'],
      ['{"logGroupName":5}', 'SerializationException'],
      ['{"logGroupName":""}', 'InvalidParameterException'],
    ] as const) {
      const answer = await send(body);
      assert.deepEqual([answer.status, ((await answer.json()) as { __type: string }).__type], [400, type], body);
    }
    assert.equal((await send('{}', 'Logs_20140328.constructor')).status, 400);
  });
});

describe('CloudWatch Logs, by AWS’s tools', () => {
  const missing = (program: string, args: readonly string[]): string | false =>
    spawnSync(program, args).status === 0 ? false : `${program} ${args.join(' ')} does not work here`;
  const run = (program: string, args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const env = {
        PATH: process.env['PATH'],
        HOME: home,
        ...toolCredentials(server),
        PYTHONWARNINGS: 'ignore',
      };
      execFile(program, [...args], { env }, (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(stderr))));
    });

  test('aws logs filter-log-events', { skip: missing('aws', ['--version']) }, async () => {
    const out = await run('aws', [
      'logs',
      'filter-log-events',
      '--log-group-name',
      GROUP,
      '--filter-pattern',
      '"disk is full"',
      '--output',
      'text',
    ]);
    assert.match(out, /^EVENTS\t\d{56}\t\d+\t\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}\tERROR disk is full\n/);
  });

  const second = String(spawnSync('aws', ['--version']).stdout).startsWith('aws-cli/2');
  test('aws logs tail', { skip: second ? false : 'only version 2 of the AWS CLI has it' }, async () => {
    const out = await run('aws', ['logs', 'tail', GROUP, '--since', '1h', '--filter-pattern', '"disk is full"']);
    assert.match(out, /^\S+ \d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32} ERROR disk is full\n+$/);
  });

  test('boto3 paginates filter_log_events', { skip: missing('python3', ['-c', 'import boto3']) }, async () => {
    const script = `
import boto3
pages = boto3.client('logs').get_paginator('filter_log_events').paginate(logGroupName='${GROUP}', filterPattern='plain', PaginationConfig={'PageSize': 1})
print([e['message'] for p in pages for e in p['events']])`;
    assert.equal((await run('python3', ['-c', script])).trim(), String.raw`['plain words\n']`);
  });
});

test('a key reads what its statements name', async () => {
  const owner = server.client;
  const Resource = `arn:aws:logs:us-east-1:000000000000:log-group:${GROUP}:*`;
  const key = await owner.keys.create({ statements: [{ Effect: 'Allow', Action: 'logs:Filter*', Resource }] });
  const client = (accessKeyId: string, secretAccessKey: string) =>
    new CloudWatchLogsClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 1,
    });
  const [reader, liar, stranger] = [client(key.id, key.secret), client(key.id, 'wrong'), client('who', 'ever')];
  try {
    assert.ok(((await reader.send(new FilterLogEventsCommand({ logGroupName: GROUP }))).events?.length ?? 0) > 0);
    await assert.rejects(reader.send(new FilterLogEventsCommand({ logGroupName: '/aws/lambda/silent' })), {
      name: 'AccessDeniedException',
    });
    await assert.rejects(reader.send(new DescribeLogStreamsCommand({ logGroupName: GROUP })), { name: 'AccessDeniedException' });
    await assert.rejects(liar.send(new FilterLogEventsCommand({ logGroupName: GROUP })), { name: 'InvalidSignatureException' });
    await assert.rejects(stranger.send(new FilterLogEventsCommand({ logGroupName: GROUP })), { name: 'UnrecognizedClientException' });
  } finally {
    await owner.keys.revoke(key.id);
    for (const c of [reader, liar, stranger]) c.destroy();
  }
});
