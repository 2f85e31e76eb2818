import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import {
  DeleteRuleCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRuleNamesByTargetCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  TestEventPatternCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
  UpdateScheduleCommand,
  type CreateScheduleCommandInput,
} from '@aws-sdk/client-scheduler';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { botoScript } from './boto-script.ts';
import { Diary, type Entry } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';
import { clientOptions, toolCredentials } from './server-credentials.ts';

const ACCOUNT = 'us-east-1:000000000000';
const FUNCTION = `arn:aws:lambda:${ACCOUNT}:function:diary`;
const RoleArn = 'arn:aws:iam::000000000000:role/r';

let server: TestServer;
let diary: Diary;
let events: EventBridgeClient;
let scheduler: SchedulerClient;
let sqs: SQSClient;

const clients = () => {
  const options = clientOptions(server);
  events = new EventBridgeClient(options);
  scheduler = new SchedulerClient(options);
  sqs = new SQSClient(options);
};
const destroy = () => [events, scheduler, sqs].forEach((client) => client.destroy());

before(async () => {
  server = await TestServer.start();
  diary = await Diary.open();
  const [node] = await languages();
  await server.deploy('diary', 'triggers-diary', { runtime: node?.runtime, handler: handlerOf('node'), environment: { DIARY: diary.url } });
  clients();
});
after(async () => {
  destroy();
  await diary[Symbol.asyncDispose]();
  assert.deepEqual(await server.end(), []);
});

async function rule(Name: string, more: object, targets: object[]): Promise<void> {
  await events.send(new PutRuleCommand({ Name, ...more }));
  await events.send(new PutTargetsCommand({ Rule: Name, Targets: targets as never }));
}

async function put(...entries: Partial<PutEventsRequestEntry>[]) {
  const Entries = entries.map((e) => ({ Source: 'shop', DetailType: 'Order', Detail: '{"n":1}', ...e }));
  return events.send(new PutEventsCommand({ Entries }));
}

const heard = (fits: (event: Record<string, unknown>) => boolean): Promise<Entry> => until(() => diary.entries.find((e) => fits(e.event)));

async function queue(
  QueueName: string,
  Attributes: Record<string, string> = {},
): Promise<{ url: string; arn: string; receive: () => Promise<string> }> {
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  const receive = async (): Promise<string> =>
    until(async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }))).Messages?.[0]?.Body);
  return { url, arn: `arn:aws:sqs:${ACCOUNT}:${QueueName}`, receive };
}

describe('EventBridge, by the AWS SDK', () => {
  test('a rule is put, described, listed, switched and deleted', async () => {
    const { RuleArn } = await events.send(new PutRuleCommand({ Name: 'orders', EventPattern: '{"source":["nobody"]}', Description: 'd' }));
    assert.equal(RuleArn, `arn:aws:events:${ACCOUNT}:rule/orders`);
    await events.send(
      new PutTargetsCommand({
        Rule: 'orders',
        Targets: [
          { Id: 'one', Arn: FUNCTION },
          { Id: 'two', Arn: FUNCTION },
        ],
      }),
    );
    await events.send(new DisableRuleCommand({ Name: 'orders' }));
    const found = await events.send(new DescribeRuleCommand({ Name: 'orders', EventBusName: 'default' }));
    const { Name, Arn, EventPattern, State, Description, EventBusName } = found;
    assert.deepEqual(
      [Name, Arn, EventPattern, State, Description, EventBusName],
      ['orders', RuleArn, '{"source":["nobody"]}', 'DISABLED', 'd', 'default'],
    );
    await events.send(new EnableRuleCommand({ Name: 'orders' }));
    const { Rules } = await events.send(new ListRulesCommand({ NamePrefix: 'ord' }));
    assert.deepEqual(
      Rules?.map((r) => [r.Name, r.State]),
      [['orders', 'ENABLED']],
    );
    const first = await events.send(new ListTargetsByRuleCommand({ Rule: 'orders', Limit: 1 }));
    const second = await events.send(new ListTargetsByRuleCommand({ Rule: 'orders', Limit: 1, NextToken: first.NextToken }));
    assert.deepEqual([first.Targets?.[0]?.Id, second.Targets?.[0]?.Id, second.NextToken], ['one', 'two', undefined]);
    assert.deepEqual((await events.send(new ListRuleNamesByTargetCommand({ TargetArn: FUNCTION }))).RuleNames, ['orders']);
    await assert.rejects(events.send(new DeleteRuleCommand({ Name: 'orders' })), /Rule can't be deleted since it has targets/);
    await events.send(new RemoveTargetsCommand({ Rule: 'orders', Ids: ['one', 'two'] }));
    await events.send(new DeleteRuleCommand({ Name: 'orders' }));
    await assert.rejects(events.send(new DescribeRuleCommand({ Name: 'orders' })), {
      name: 'ResourceNotFoundException',
      message: 'Rule orders does not exist on EventBus default.',
    });
    assert.equal((await events.send(new DescribeEventBusCommand({}))).Arn, `arn:aws:events:${ACCOUNT}:event-bus/default`);
  });

  test('events that fit go to functions and queues, whole, in part or made over', async () => {
    const plain = await queue('bus-plain');
    const ordered = await queue('bus.fifo', { FifoQueue: 'true' });
    await rule('big-orders', { EventPattern: JSON.stringify({ source: ['shop'], detail: { total: [{ numeric: ['>', 100] }] } }) }, [
      { Id: 'f', Arn: FUNCTION },
      { Id: 'part', Arn: plain.arn, InputPath: '$.detail' },
      {
        Id: 'made',
        Arn: ordered.arn,
        SqsParameters: { MessageGroupId: 'g' },
        InputTransformer: {
          InputPathsMap: { total: '$.detail.total', who: '$.detail.who', none: '$.detail.none' },
          InputTemplate:
            '{"text": "<who> spent <total>", "total": <total>, "who": <who>, "none": <none>, "rule": "<aws.events.rule-name>"}',
        },
      },
    ]);
    const Time = new Date('2026-11-27T12:00:00Z');
    const { FailedEntryCount, Entries } = await put(
      { Detail: JSON.stringify({ total: 5, who: 'x' }) },
      { Detail: JSON.stringify({ total: 500, who: 'the "queen"' }), Time, Resources: ['r-1'] },
    );
    assert.equal(FailedEntryCount, 0);
    const { event } = await heard((e) => e['id'] === Entries?.[1]?.EventId);
    assert.deepEqual(event, {
      version: '0',
      id: Entries?.[1]?.EventId,
      'detail-type': 'Order',
      source: 'shop',
      account: '000000000000',
      time: '2026-11-27T12:00:00Z',
      region: 'us-east-1',
      resources: ['r-1'],
      detail: { total: 500, who: 'the "queen"' },
    });
    assert.deepEqual(JSON.parse(await plain.receive()), { total: 500, who: 'the "queen"' });
    assert.deepEqual(JSON.parse(await ordered.receive()), {
      text: 'the "queen" spent 500',
      total: 500,
      who: 'the "queen"',
      none: null,
      rule: 'big-orders',
    });
    assert.equal(
      diary.entries.some((e) => e.event['id'] === Entries?.[0]?.EventId),
      false,
    );
  });

  test('what is disabled or removed gets nothing', async () => {
    const gone = await queue('bus-order');
    const pattern = { EventPattern: '{"source":["switch"]}' };
    await rule('off', pattern, [{ Id: 'f', Arn: gone.arn, Input: '"from off"' }]);
    await rule('on', pattern, [{ Id: 'f', Arn: gone.arn, Input: '"from on"' }]);
    await events.send(new DisableRuleCommand({ Name: 'off' }));
    await put({ Source: 'switch' });
    assert.equal(await gone.receive(), '"from on"');
    await events.send(new EnableRuleCommand({ Name: 'off' }));
    await events.send(new RemoveTargetsCommand({ Rule: 'on', Ids: ['f'] }));
    await put({ Source: 'switch' });
    assert.equal(await gone.receive(), '"from off"');
  });

  test('each entry is taken or refused by itself', async () => {
    const { FailedEntryCount, Entries } = await put(
      {},
      { Source: '' },
      { Detail: '[1]' },
      { Detail: '{' },
      { Source: 'aws.mine' },
      { EventBusName: 'other' },
    );
    assert.equal(FailedEntryCount, 5);
    assert.deepEqual(
      Entries?.map((e) => e.ErrorCode),
      [undefined, 'InvalidArgument', 'MalformedDetail', 'MalformedDetail', 'NotAuthorizedForSourceException', 'ResourceNotFoundException'],
    );
    await assert.rejects(
      put({ Detail: JSON.stringify({ x: 'x'.repeat(1024 * 1024) }) }),
      /Total size of the entries in the request is over the limit/,
    );
  });

  test('what is wrong is refused', async () => {
    const refused = (more: object, name: string, message: RegExp) =>
      assert.rejects(
        events.send(new PutRuleCommand({ Name: 'wrong', ...more })),
        (error: Error) => error.name === name && message.test(error.message),
      );
    await refused({}, 'ValidationException', /Parameter\(s\) EventPattern or ScheduleExpression must be specified/);
    await refused(
      { EventPattern: '{"source":"x"}' },
      'InvalidEventPatternException',
      /Event pattern is not valid\. Reason: "source" must be an object or an array/,
    );
    await refused({ EventPattern: '{"source":[{"cidr":"10.0.0.0/8"}]}' }, 'InvalidEventPatternException', /Unrecognized match type cidr/);
    await refused({ EventPattern: '{' }, 'InvalidEventPatternException', /is not valid/);
    await refused({ ScheduleExpression: 'cron(0 6 * * *)' }, 'ValidationException', /Parameter ScheduleExpression is not valid/);
    await refused({ ScheduleExpression: 'rate(0 minutes)' }, 'ValidationException', /Parameter ScheduleExpression is not valid/);
    await refused(
      { Name: 'a b', EventPattern: '{"source":["x"]}' },
      'ValidationException',
      /1 validation error detected: Value 'a b' at 'name'/,
    );
    await refused(
      { EventBusName: 'other', EventPattern: '{"source":["x"]}' },
      'ResourceNotFoundException',
      /Event bus other does not exist/,
    );
    await events.send(new PutRuleCommand({ Name: 'right', EventPattern: '{"source":["x"]}' }));
    const target = (more: object) => events.send(new PutTargetsCommand({ Rule: 'right', Targets: [{ Id: 'i', Arn: FUNCTION, ...more }] }));
    await assert.rejects(target({ Arn: 'arn:aws:sns:us-east-1:000000000000:topic' }), /Hearth gives events to functions and queues/);
    await assert.rejects(target({ Input: '{' }), /JSON syntax error in input for target i/);
    await assert.rejects(target({ InputPath: 'detail' }), /Parameter InputPath is not valid/);
    await assert.rejects(target({ Input: '1', InputPath: '$' }), /Only one of/);
    await assert.rejects(events.send(new PutTargetsCommand({ Rule: 'none', Targets: [{ Id: 'i', Arn: FUNCTION }] })), {
      name: 'ResourceNotFoundException',
    });
    const tried = (Event: string) => events.send(new TestEventPatternCommand({ EventPattern: '{"detail":{"a":[{"prefix":"x"}]}}', Event }));
    assert.equal((await tried('{"detail":{"a":"xy"}}')).Result, true);
    assert.equal((await tried('{"detail":{"a":"y"}}')).Result, false);
  });
});

describe('Scheduler, by the AWS SDK', () => {
  const once = (atMs: number) => `at(${new Date(atMs).toISOString().slice(0, 19)})`;
  const create = (Name: string, more: Partial<CreateScheduleCommandInput>) =>
    scheduler.send(
      new CreateScheduleCommand({
        Name,
        ScheduleExpression: 'rate(1 day)',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: { Arn: FUNCTION, RoleArn, Input: '{"daily":true}' },
        ...more,
      }),
    );

  test('a schedule is made, found, changed, listed and deleted', async () => {
    const StartDate = new Date('2030-01-01T00:00:00Z');
    const { ScheduleArn } = await create('daily', {
      ScheduleExpression: 'cron(0 6 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Madrid',
      StartDate,
      ClientToken: 'same',
    });
    assert.equal(ScheduleArn, `arn:aws:scheduler:${ACCOUNT}:schedule/default/daily`);
    const found = await scheduler.send(new GetScheduleCommand({ Name: 'daily', GroupName: 'default' }));
    assert.deepEqual(
      [
        found.ScheduleExpression,
        found.ScheduleExpressionTimezone,
        found.StartDate,
        found.State,
        found.Target?.Input,
        found.ActionAfterCompletion,
      ],
      ['cron(0 6 * * ? *)', 'Europe/Madrid', StartDate, 'ENABLED', '{"daily":true}', 'NONE'],
    );
    assert.ok(found.CreationDate instanceof Date);
    assert.equal((await create('daily', { ClientToken: 'same' })).ScheduleArn, ScheduleArn);
    await assert.rejects(create('daily', {}), { name: 'ConflictException', message: 'Schedule daily already exists.' });
    await scheduler.send(
      new UpdateScheduleCommand({
        Name: 'daily',
        ScheduleExpression: 'rate(2 hours)',
        State: 'DISABLED',
        FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 },
        Target: { Arn: FUNCTION, RoleArn },
      }),
    );
    const { Schedules } = await scheduler.send(new ListSchedulesCommand({ State: 'DISABLED', NamePrefix: 'dai' }));
    assert.deepEqual(
      Schedules?.map((s) => [s.Name, s.GroupName, s.State, s.Target?.Arn]),
      [['daily', 'default', 'DISABLED', FUNCTION]],
    );
    assert.equal((await scheduler.send(new GetScheduleCommand({ Name: 'daily' }))).StartDate, undefined);
    await scheduler.send(new DeleteScheduleCommand({ Name: 'daily' }));
    await assert.rejects(scheduler.send(new GetScheduleCommand({ Name: 'daily' })), {
      name: 'ResourceNotFoundException',
      message: 'Schedule daily does not exist.',
    });
  });

  test('a time that comes reaches the function, its words filled in; the schedule goes when it asked for that', async () => {
    const Input = '{"arn":"<aws.scheduler.schedule-arn>","time":"<aws.scheduler.scheduled-time>"}';
    const at = Date.now() + 1_500;
    await create('once', { ScheduleExpression: once(at), ActionAfterCompletion: 'DELETE', Target: { Arn: FUNCTION, RoleArn, Input } });
    const { event } = await heard((e) => e['arn'] === `arn:aws:scheduler:${ACCOUNT}:schedule/default/once`);
    assert.equal(event['time'], `${new Date(at).toISOString().slice(0, 19)}Z`);
    await until(async () => (await scheduler.send(new ListSchedulesCommand({ NamePrefix: 'once' }))).Schedules?.length === 0);
  });

  test('without an input the event is Scheduler’s own; a queue is a target too', async () => {
    const target = await queue('schedule-queue');
    await create('to-queue', { ScheduleExpression: once(Date.now() + 1_500), Target: { Arn: target.arn, RoleArn } });
    const event = JSON.parse(await target.receive()) as Record<string, unknown>;
    assert.deepEqual(
      [event['source'], event['detail-type'], event['resources']],
      ['aws.scheduler', 'Scheduled Event', [`arn:aws:scheduler:${ACCOUNT}:schedule/default/to-queue`]],
    );
  });

  test('what is wrong is refused', async () => {
    await assert.rejects(create('wrong', { ScheduleExpression: 'cron(0 6 * * *)' }), /Invalid Schedule Expression cron/);
    await assert.rejects(create('wrong', { ScheduleExpressionTimezone: 'Mars/Base' }), /'Mars\/Base' is not a time zone/);
    await assert.rejects(create('wrong', { FlexibleTimeWindow: { Mode: 'FLEXIBLE' } }), /MaximumWindowInMinutes must be provided/);
    await assert.rejects(create('wrong', { GroupName: 'other' }), {
      name: 'ResourceNotFoundException',
      message: 'Schedule group other does not exist.',
    });
    await assert.rejects(create('wrong', { Target: { Arn: FUNCTION, RoleArn, Input: '{' } }), /well-formed JSON/);
    await assert.rejects(
      create('wrong', { Target: { Arn: 'arn:aws:scheduler:::aws-sdk:ec2:stopInstances', RoleArn } }),
      /functions and queues/,
    );
    await assert.rejects(create('a b', {}), { name: 'ValidationException' });
  });
});

test('boto3 speaks to both', { skip: spawnSync('python3', ['-c', 'import boto3']).status === 0 ? false : 'no boto3 here' }, async () => {
  const env = {
    PATH: process.env['PATH'],
    ...toolCredentials(server),
  };
  const { stdout } = await promisify(execFile)('python3', ['-c', botoScript(FUNCTION, RoleArn)], { env });
  const gone = 'An error occurred (ResourceNotFoundException) when calling the GetSchedule operation: Schedule boto does not exist.';
  assert.deepEqual(JSON.parse(stdout), [`arn:aws:events:${ACCOUNT}:rule/boto`, 0, true, ['boto'], gone]);
  await heard((e) => e['boto'] === true);
});

test('rules and schedules are there after a restart, and only who may uses them', async () => {
  const kept = await queue('kept');
  await rule('kept', { EventPattern: '{"source":["kept"]}' }, [{ Id: 'q', Arn: kept.arn, InputPath: '$.detail.n' }]);
  await rule('minutely', { ScheduleExpression: 'rate(1 minute)' }, [{ Id: 'f', Arn: FUNCTION }]);
  destroy();
  await server.stop();
  server = await TestServer.start({ home: server.home });
  clients();
  assert.equal((await events.send(new DescribeRuleCommand({ Name: 'minutely' }))).ScheduleExpression, 'rate(1 minute)');
  await put({ Source: 'kept', Detail: '{"n":42}' });
  assert.equal(await kept.receive(), '42');

  const owner = server.client;
  const statements = [{ Effect: 'Allow' as const, Action: ['events:PutEvents', 'scheduler:Get*'], Resource: '*' }];
  const key = await owner.keys.create({ statements });
  const options = {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: key.id, secretAccessKey: key.secret },
    maxAttempts: 1,
  };
  const [writer, reader] = [new EventBridgeClient(options), new SchedulerClient(options)];
  try {
    const Entries = [{ Source: 's', DetailType: 't', Detail: '{}' }];
    assert.equal((await writer.send(new PutEventsCommand({ Entries }))).FailedEntryCount, 0);
    await assert.rejects(writer.send(new PutRuleCommand({ Name: 'x', EventPattern: '{"source":["x"]}' })), {
      name: 'AccessDeniedException',
    });
    await assert.rejects(reader.send(new GetScheduleCommand({ Name: 'none' })), { name: 'ResourceNotFoundException' });
    await assert.rejects(reader.send(new ListSchedulesCommand({})), { name: 'AccessDeniedException' });
    const stranger = new EventBridgeClient({ ...options, credentials: { accessKeyId: 'who', secretAccessKey: 'ever' } });
    await assert.rejects(stranger.send(new PutEventsCommand({ Entries })), { name: 'UnrecognizedClientException' });
    stranger.destroy();
  } finally {
    await owner.keys.revoke(key.id);
    writer.destroy();
    reader.destroy();
  }
});
