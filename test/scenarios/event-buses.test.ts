import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import {
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EventBridgeClient,
  ListEventBusesCommand,
  ListRuleNamesByTargetCommand,
  ListRulesCommand,
  ListTagsForResourceCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateEventBusCommand,
  type CreateEventBusCommandInput,
} from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { ACCOUNT, BusWorld, FUNCTION } from './bus-world.ts';
import { clientOptions, toolCredentials } from './server-credentials.ts';

let world: BusWorld;
before(async () => {
  world = await BusWorld.open();
});
after(() => world.close());

const create = (Name: string, more: Partial<CreateEventBusCommandInput> = {}) =>
  world.events.send(new CreateEventBusCommand({ Name, ...more }));
const arnOf = (bus: string) => `arn:aws:events:${ACCOUNT}:event-bus/${bus}`;

/** A rule of a bus that sends what fits to a queue. */
async function ruleTo(EventBusName: string, Name: string, pattern: object, arn: string): Promise<string> {
  const { RuleArn = '' } = await world.events.send(new PutRuleCommand({ Name, EventBusName, EventPattern: JSON.stringify(pattern) }));
  await world.events.send(new PutTargetsCommand({ Rule: Name, EventBusName, Targets: [{ Id: 'q', Arn: arn, InputPath: '$.detail.n' }] }));
  return RuleArn;
}

describe('event buses, by the AWS SDK', () => {
  test('a bus is made, described, changed, listed, tagged and deleted', async () => {
    const made = await create('orders', { Description: 'of the shop', Tags: [{ Key: 'a', Value: '1' }] });
    assert.deepEqual([made.EventBusArn, made.Description], [arnOf('orders'), 'of the shop']);
    await assert.rejects(create('orders'), { name: 'ResourceAlreadyExistsException', message: 'Event bus orders already exists.' });
    const { $metadata: _1, ...found } = await world.events.send(new DescribeEventBusCommand({ Name: arnOf('orders') }));
    const { CreationTime, LastModifiedTime, ...rest } = found;
    assert.deepEqual(rest, { Name: 'orders', Arn: arnOf('orders'), Description: 'of the shop' });
    assert.ok(CreationTime instanceof Date && LastModifiedTime?.getTime() === CreationTime.getTime());
    const changed = await world.events.send(new UpdateEventBusCommand({ Name: 'orders', Description: 'another' }));
    assert.deepEqual([changed.Name, changed.Description], ['orders', 'another']);
    await create('others');
    const names = async (more: object) => (await world.events.send(new ListEventBusesCommand(more))).EventBuses?.map((b) => b.Name);
    assert.deepEqual(await names({}), ['default', 'orders', 'others']);
    assert.deepEqual(await names({ NamePrefix: 'ord' }), ['orders']);
    const { NextToken } = await world.events.send(new ListEventBusesCommand({ Limit: 2 }));
    assert.deepEqual(await names({ NextToken }), ['others']);
    const ResourceARN = arnOf('orders');
    await world.events.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'b', Value: '2' }] }));
    await world.events.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['a'] }));
    const { Tags } = await world.events.send(new ListTagsForResourceCommand({ ResourceARN }));
    assert.deepEqual(Tags, [{ Key: 'b', Value: '2' }]);
    for (const Name of ['orders', 'others', 'never-there']) await world.events.send(new DeleteEventBusCommand({ Name }));
    assert.deepEqual(await names({}), ['default']);
    const gone = { name: 'ResourceNotFoundException', message: 'Event bus orders does not exist.' };
    await assert.rejects(world.events.send(new DescribeEventBusCommand({ Name: 'orders' })), gone);
    await assert.rejects(world.events.send(new UpdateEventBusCommand({ Name: 'orders' })), gone);
    await assert.rejects(world.events.send(new ListTagsForResourceCommand({ ResourceARN })), gone);
  });

  test('each bus has rules of its own, and an event reaches those of its bus alone', async () => {
    await create('shop');
    const [ofShop, ofDefault] = [await world.queue('of-shop'), await world.queue('of-default')];
    const pattern = { source: ['same'] };
    assert.equal(await ruleTo('shop', 'same-name', pattern, ofShop.arn), `arn:aws:events:${ACCOUNT}:rule/shop/same-name`);
    assert.equal(await ruleTo('default', 'same-name', pattern, ofDefault.arn), `arn:aws:events:${ACCOUNT}:rule/same-name`);
    const put = await world.put(
      { Source: 'same', Detail: '{"n":1}', EventBusName: 'shop' },
      { Source: 'same', Detail: '{"n":2}' },
      { Source: 'same', Detail: '{"n":3}', EventBusName: arnOf('shop') },
      { Source: 'same', EventBusName: 'nowhere' },
    );
    assert.deepEqual([put.FailedEntryCount, put.Entries?.[3]?.ErrorCode], [1, 'ResourceNotFoundException']);
    assert.deepEqual([await ofShop.receive(), await ofShop.receive()].sort(), ['1', '3']);
    assert.equal(await ofDefault.receive(), '2');

    const at = { EventBusName: 'shop' };
    const rule = await world.events.send(new DescribeRuleCommand({ Name: 'same-name', ...at }));
    assert.deepEqual([rule.EventBusName, rule.Arn], ['shop', `arn:aws:events:${ACCOUNT}:rule/shop/same-name`]);
    const rules = async (more: object) => (await world.events.send(new ListRulesCommand(more))).Rules?.map((r) => [r.Name, r.EventBusName]);
    assert.deepEqual([await rules(at), await rules({})], [[['same-name', 'shop']], [['same-name', 'default']]]);
    const { RuleNames } = await world.events.send(new ListRuleNamesByTargetCommand({ TargetArn: ofShop.arn }));
    assert.deepEqual(RuleNames, []);
    const tags = { ResourceARN: rule.Arn, Tags: [{ Key: 'of', Value: 'shop' }] };
    await world.events.send(new TagResourceCommand(tags));
    assert.deepEqual((await world.events.send(new ListTagsForResourceCommand(tags))).Tags, tags.Tags);

    await world.restart();
    await world.put({ Source: 'same', Detail: '{"n":4}', EventBusName: 'shop' });
    assert.equal(await ofShop.receive(), '4');
    await world.events.send(new DisableRuleCommand({ Name: 'same-name', ...at }));
    const deleteBus = () => world.events.send(new DeleteEventBusCommand({ Name: 'shop' }));
    await assert.rejects(deleteBus(), { name: 'ValidationException', message: "EventBus can't be deleted since it has rules." });
    await world.events.send(new RemoveTargetsCommand({ Rule: 'same-name', Ids: ['q'], ...at }));
    await world.events.send(new DeleteRuleCommand({ Name: 'same-name', ...at }));
    await deleteBus();
    assert.equal((await world.events.send(new ListTargetsByRuleCommand({ Rule: 'same-name' }))).Targets?.length, 1);
    await assert.rejects(rules(at), { name: 'ResourceNotFoundException', message: 'Event bus shop does not exist.' });
  });

  test('a bus is the destination of a function; one that is not there is refused', async () => {
    const lambda = new LambdaClient(clientOptions(world.server));
    try {
      await create('outcomes');
      const told = await world.queue('told');
      const Targets = [{ Id: 'q', Arn: told.arn }];
      const rule = { Name: 'all', EventBusName: 'outcomes', EventPattern: '{"source":["lambda"]}' };
      await world.events.send(new PutRuleCommand(rule));
      await world.events.send(new PutTargetsCommand({ Rule: 'all', EventBusName: 'outcomes', Targets }));
      const to = (bus: string) =>
        new PutFunctionEventInvokeConfigCommand({ FunctionName: 'diary', DestinationConfig: { OnSuccess: { Destination: arnOf(bus) } } });
      await assert.rejects(lambda.send(to('nowhere')), {
        name: 'InvalidParameterValueException',
        message: /event bus nowhere does not exist/,
      });
      await lambda.send(to('outcomes'));
      await lambda.send(new InvokeCommand({ FunctionName: 'diary', InvocationType: 'Event', Payload: Buffer.from('{"x":1}') }));
      const event = JSON.parse(await told.receive()) as { source: string; resources: string[] };
      assert.deepEqual([event.source, event.resources], ['lambda', [arnOf('outcomes'), `${FUNCTION}:$LATEST`]]);
    } finally {
      lambda.destroy();
    }
  });

  test('what is wrong is refused', async () => {
    const invalid = (message: RegExp) => (error: Error) => error.name === 'ValidationException' && message.test(error.message);
    await assert.rejects(create('default'), { name: 'ResourceAlreadyExistsException' });
    await assert.rejects(create('a/b'), invalid(/slash/));
    await assert.rejects(create('a', { KmsKeyIdentifier: 'alias/k' }), invalid(/KmsKeyIdentifier/));
    await assert.rejects(create('a', { EventSourceName: 'aws.partner/x/y' }), invalid(/EventSourceName/));
    await assert.rejects(world.events.send(new DeleteEventBusCommand({ Name: 'default' })), invalid(/^Cannot delete event bus default\.$/));
    await create('untimed');
    const timed = { Name: 'r', EventBusName: 'untimed', ScheduleExpression: 'rate(1 minute)' };
    await assert.rejects(
      world.events.send(new PutRuleCommand(timed)),
      invalid(/ScheduleExpression is supported only on the default event bus/),
    );
    await assert.rejects(world.events.send(new DescribeRuleCommand({ Name: 'r', EventBusName: 'untimed' })), {
      name: 'ResourceNotFoundException',
      message: 'Rule r does not exist on EventBus untimed.',
    });
    const elsewhere = `arn:aws:events:eu-west-1:000000000000:event-bus/untimed`;
    await assert.rejects(world.events.send(new DescribeEventBusCommand({ Name: elsewhere })), { name: 'ResourceNotFoundException' });
  });

  test('a rule that is put while its bus is deleted leaves no rule without a bus', async () => {
    for (let round = 0; round < 5; round++) {
      const Name = `racing-${round}`;
      await create(Name);
      const rule = { Name: 'r', EventBusName: Name, EventPattern: '{"source":["x"]}' };
      const [put, deleted] = await Promise.allSettled([
        world.events.send(new PutRuleCommand(rule)),
        world.events.send(new DeleteEventBusCommand({ Name })),
      ]);
      assert.notEqual(put.status, deleted.status);
      await create(Name).catch(() => {}); // seen once it is there again, if it was left
      const { Rules } = await world.events.send(new ListRulesCommand({ EventBusName: Name }));
      assert.equal(Rules?.length, put.status === 'fulfilled' ? 1 : 0);
    }
  });
});

test('a key that may put events on one bus puts none on another', async () => {
  await create('mine');
  const owner = world.server.client;
  const key = await owner.keys.create({ statements: [{ Effect: 'Allow', Action: 'events:PutEvents', Resource: arnOf('mine') }] });
  const credentials = { accessKeyId: key.id, secretAccessKey: key.secret };
  const client = new EventBridgeClient({ ...clientOptions(world.server), credentials });
  const put = (...buses: (string | undefined)[]) =>
    client.send(
      new PutEventsCommand({ Entries: buses.map((EventBusName) => ({ EventBusName, Source: 's', DetailType: 't', Detail: '{}' })) }),
    );
  try {
    assert.equal((await put('mine', arnOf('mine'))).FailedEntryCount, 0);
    for (const buses of [['mine', undefined], ['default'], ['mine', 'orders']])
      await assert.rejects(put(...buses), { name: 'AccessDeniedException' });
  } finally {
    await owner.keys.revoke(key.id);
    client.destroy();
  }
});

test('boto3 and a bus', { skip: spawnSync('python3', ['-c', 'import boto3']).status === 0 ? false : 'no boto3 here' }, async () => {
  const script = `
import boto3, json
events = boto3.client('events')
print(events.create_event_bus(Name='boto')['EventBusArn'])
events.put_rule(Name='r', EventBusName='boto', EventPattern=json.dumps({'source': ['boto']}))
events.put_targets(Rule='r', EventBusName='boto', Targets=[{'Id': 'f', 'Arn': '${FUNCTION}', 'InputPath': '$.detail'}])
print(events.put_events(Entries=[{'Source': 'boto', 'DetailType': 't', 'Detail': json.dumps({'of': 'boto'}), 'EventBusName': 'boto'}])['FailedEntryCount'])
print([b['Name'] for b in events.list_event_buses(NamePrefix='bo')['EventBuses']])`;
  const env = { PATH: process.env['PATH'], ...toolCredentials(world.server) };
  const { stdout } = await promisify(execFile)('python3', ['-c', script], { env });
  assert.equal(stdout, `${arnOf('boto')}\n0\n['boto']\n`);
  await world.heard((e) => e['of'] === 'boto');
});
