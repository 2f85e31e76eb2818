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
  ListTagsForResourceCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  TagResourceCommand,
  TestEventPatternCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-eventbridge';
import { GetScheduleCommand, ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { botoScript } from './boto-script.ts';
import { ACCOUNT, BusWorld, FUNCTION, ROLE } from './bus-world.ts';
import { toolCredentials } from './server-credentials.ts';

let world: BusWorld;
before(async () => {
  world = await BusWorld.open();
});
after(() => world.close());

describe('EventBridge, by the AWS SDK', () => {
  test('a rule is put, described, listed, switched and deleted', async () => {
    const { RuleArn } = await world.events.send(
      new PutRuleCommand({ Name: 'orders', EventPattern: '{"source":["nobody"]}', Description: 'd' }),
    );
    assert.equal(RuleArn, `arn:aws:events:${ACCOUNT}:rule/orders`);
    await world.events.send(
      new PutTargetsCommand({
        Rule: 'orders',
        Targets: [
          { Id: 'one', Arn: FUNCTION },
          { Id: 'two', Arn: FUNCTION },
        ],
      }),
    );
    await world.events.send(new DisableRuleCommand({ Name: 'orders' }));
    const found = await world.events.send(new DescribeRuleCommand({ Name: 'orders', EventBusName: 'default' }));
    const { Name, Arn, EventPattern, State, Description, EventBusName } = found;
    assert.deepEqual(
      [Name, Arn, EventPattern, State, Description, EventBusName],
      ['orders', RuleArn, '{"source":["nobody"]}', 'DISABLED', 'd', 'default'],
    );
    await world.events.send(new EnableRuleCommand({ Name: 'orders' }));
    const { Rules } = await world.events.send(new ListRulesCommand({ NamePrefix: 'ord' }));
    assert.deepEqual(
      Rules?.map((r) => [r.Name, r.State]),
      [['orders', 'ENABLED']],
    );
    const first = await world.events.send(new ListTargetsByRuleCommand({ Rule: 'orders', Limit: 1 }));
    const second = await world.events.send(new ListTargetsByRuleCommand({ Rule: 'orders', Limit: 1, NextToken: first.NextToken }));
    assert.deepEqual([first.Targets?.[0]?.Id, second.Targets?.[0]?.Id, second.NextToken], ['one', 'two', undefined]);
    assert.deepEqual((await world.events.send(new ListRuleNamesByTargetCommand({ TargetArn: FUNCTION }))).RuleNames, ['orders']);
    await assert.rejects(world.events.send(new DeleteRuleCommand({ Name: 'orders' })), /Rule can't be deleted since it has targets/);
    await world.events.send(new RemoveTargetsCommand({ Rule: 'orders', Ids: ['one', 'two'] }));
    await world.events.send(new DeleteRuleCommand({ Name: 'orders' }));
    await assert.rejects(world.events.send(new DescribeRuleCommand({ Name: 'orders' })), {
      name: 'ResourceNotFoundException',
      message: 'Rule orders does not exist on EventBus default.',
    });
    assert.equal((await world.events.send(new DescribeEventBusCommand({}))).Arn, `arn:aws:events:${ACCOUNT}:event-bus/default`);
  });

  test('a rule has tags', async () => {
    const { RuleArn: ResourceARN } = await world.events.send(
      new PutRuleCommand({ Name: 'tagged', EventPattern: '{"source":["nobody"]}', Tags: [{ Key: 'a', Value: '1' }] }),
    );
    await world.events.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'b', Value: '2' }] }));
    await world.events.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['a'] }));
    // A rule that is put again keeps its own.
    await world.events.send(new PutRuleCommand({ Name: 'tagged', EventPattern: '{"source":["no"]}', Tags: [{ Key: 'c', Value: '3' }] }));
    await world.events.send(new DisableRuleCommand({ Name: 'tagged' }));
    assert.deepEqual((await world.events.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags, [{ Key: 'b', Value: '2' }]);
    const bus = `arn:aws:events:${ACCOUNT}:event-bus/default`;
    assert.deepEqual((await world.events.send(new ListTagsForResourceCommand({ ResourceARN: bus }))).Tags, []);
    const none = `arn:aws:events:${ACCOUNT}:rule/none`;
    await assert.rejects(world.events.send(new ListTagsForResourceCommand({ ResourceARN: none })), {
      name: 'ResourceNotFoundException',
      message: 'Rule none does not exist on EventBus default.',
    });
    await world.events.send(new DeleteRuleCommand({ Name: 'tagged' }));
  });

  test('events that fit go to functions and queues, whole, in part or made over', async () => {
    const plain = await world.queue('bus-plain');
    const ordered = await world.queue('bus.fifo', { FifoQueue: 'true' });
    await world.rule('big-orders', { EventPattern: JSON.stringify({ source: ['shop'], detail: { total: [{ numeric: ['>', 100] }] } }) }, [
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
    const { FailedEntryCount, Entries } = await world.put(
      { Detail: JSON.stringify({ total: 5, who: 'x' }) },
      { Detail: JSON.stringify({ total: 500, who: 'the "queen"' }), Time, Resources: ['r-1'] },
    );
    assert.equal(FailedEntryCount, 0);
    const { event } = await world.heard((e) => e['id'] === Entries?.[1]?.EventId);
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
      none: '',
      rule: 'big-orders',
    });
    assert.equal(
      world.diary.entries.some((e) => e.event['id'] === Entries?.[0]?.EventId),
      false,
    );
  });

  test('what is disabled or removed gets nothing', async () => {
    const gone = await world.queue('bus-order');
    const pattern = { EventPattern: '{"source":["switch"]}' };
    await world.rule('off', pattern, [{ Id: 'f', Arn: gone.arn, Input: '"from off"' }]);
    await world.rule('on', pattern, [{ Id: 'f', Arn: gone.arn, Input: '"from on"' }]);
    await world.events.send(new DisableRuleCommand({ Name: 'off' }));
    await world.put({ Source: 'switch' });
    assert.equal(await gone.receive(), '"from on"');
    await world.events.send(new EnableRuleCommand({ Name: 'off' }));
    await world.events.send(new RemoveTargetsCommand({ Rule: 'on', Ids: ['f'] }));
    await world.put({ Source: 'switch' });
    assert.equal(await gone.receive(), '"from off"');
  });

  test('each entry is taken or refused by itself', async () => {
    const { FailedEntryCount, Entries } = await world.put(
      {},
      { Source: '' },
      { Detail: '[1]' },
      { Detail: '{' },
      { Detail: `{"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}` },
      { Source: 'half \ud800' },
      { Source: 'aws.mine' },
      { EventBusName: 'other' },
    );
    assert.equal(FailedEntryCount, 7);
    assert.deepEqual(
      Entries?.map((e) => e.ErrorCode),
      [
        undefined,
        'InvalidArgument',
        'MalformedDetail',
        'MalformedDetail',
        'MalformedDetail',
        'InvalidArgument',
        'NotAuthorizedForSourceException',
        'ResourceNotFoundException',
      ],
    );
    await assert.rejects(
      world.put({ Detail: JSON.stringify({ x: 'x'.repeat(1024 * 1024) }) }),
      /Total size of the entries in the request is over the limit/,
    );
  });

  test('what is wrong is refused', async () => {
    const refused = (more: object, name: string, message: RegExp) =>
      assert.rejects(
        world.events.send(new PutRuleCommand({ Name: 'wrong', ...more })),
        (error: Error) => error.name === name && message.test(error.message),
      );
    await refused({}, 'ValidationException', /Parameter\(s\) EventPattern or ScheduleExpression must be specified/);
    await refused(
      { EventPattern: '{"source":"x"}' },
      'InvalidEventPatternException',
      /Event pattern is not valid\. Reason: "source" must be an object or an array/,
    );
    await refused({ EventPattern: '{"source":[{"cidr":"10.0.0.0"}]}' }, 'InvalidEventPatternException', /Malformed CIDR/);
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
    await world.events.send(new PutRuleCommand({ Name: 'right', EventPattern: '{"source":["x"]}' }));
    const target = (more: object) =>
      world.events.send(new PutTargetsCommand({ Rule: 'right', Targets: [{ Id: 'i', Arn: FUNCTION, ...more }] }));
    await assert.rejects(target({ Arn: 'arn:aws:sns:us-east-1:000000000000:topic' }), /Hearth gives events to functions and queues/);
    await assert.rejects(target({ Input: '{' }), /JSON syntax error in input for target i/);
    await assert.rejects(target({ InputPath: 'detail' }), /Parameter InputPath is not valid/);
    await assert.rejects(target({ Input: '1', InputPath: '$' }), /Only one of/);
    await assert.rejects(world.events.send(new PutTargetsCommand({ Rule: 'none', Targets: [{ Id: 'i', Arn: FUNCTION }] })), {
      name: 'ResourceNotFoundException',
    });
    const tried = (Event: string) =>
      world.events.send(new TestEventPatternCommand({ EventPattern: '{"detail":{"a":[{"prefix":"x"}]}}', Event }));
    assert.equal((await tried('{"detail":{"a":"xy"}}')).Result, true);
    assert.equal((await tried('{"detail":{"a":"y"}}')).Result, false);
  });
});

test('boto3 speaks to both', { skip: spawnSync('python3', ['-c', 'import boto3']).status === 0 ? false : 'no boto3 here' }, async () => {
  const env = {
    PATH: process.env['PATH'],
    ...toolCredentials(world.server),
  };
  const { stdout } = await promisify(execFile)('python3', ['-c', botoScript(FUNCTION, ROLE)], { env });
  const gone = 'An error occurred (ResourceNotFoundException) when calling the GetSchedule operation: Schedule boto does not exist.';
  assert.deepEqual(JSON.parse(stdout), [`arn:aws:events:${ACCOUNT}:rule/boto`, 0, true, ['boto'], gone]);
  await world.heard((e) => e['boto'] === true);
});

test('rules and schedules are there after a restart, and only who may uses them', async () => {
  const kept = await world.queue('kept');
  await world.rule('kept', { EventPattern: '{"source":["kept"]}' }, [{ Id: 'q', Arn: kept.arn, InputPath: '$.detail.n' }]);
  await world.rule('minutely', { ScheduleExpression: 'rate(1 minute)' }, [{ Id: 'f', Arn: FUNCTION }]);
  await world.restart();
  assert.equal((await world.events.send(new DescribeRuleCommand({ Name: 'minutely' }))).ScheduleExpression, 'rate(1 minute)');
  await world.put({ Source: 'kept', Detail: '{"n":42}' });
  assert.equal(await kept.receive(), '42');

  const owner = world.server.client;
  const statements = [{ Effect: 'Allow' as const, Action: ['events:PutEvents', 'scheduler:Get*'], Resource: '*' }];
  const key = await owner.keys.create({ statements });
  const options = {
    endpoint: world.server.endpoint,
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
