import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateScheduleCommand } from '@aws-sdk/client-scheduler';
import {
  CreateEventSourceMappingCommand,
  DeleteFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import type { Message } from '@aws-sdk/client-sqs';
import { ACCOUNT, BusWorld, FUNCTION, ROLE } from './bus-world.ts';
import { handlerOf, languages } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';

const BUS = `arn:aws:events:${ACCOUNT}:event-bus/default`;

let world: BusWorld;
let lambda: LambdaClient;
before(async () => {
  world = await BusWorld.open();
  lambda = new LambdaClient(clientOptions(world.server));
});
after(async () => {
  lambda.destroy();
  await world.close();
});

const attributesOf = ({ MessageAttributes = {} }: Message): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]));

describe('the event bus as a destination', () => {
  const run = (FunctionName: string, event: object) =>
    lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(event) }));
  const deploy = async (name: string, more: object): Promise<void> => {
    const [node] = await languages();
    await world.server.deploy(name, 'events-diary', { runtime: node?.runtime, handler: handlerOf('node'), ...more });
  };

  test('what became of an invocation is an event, as Lambda makes it, and rules say who gets it', async () => {
    await deploy('tells', {});
    const DestinationConfig = { OnSuccess: { Destination: BUS }, OnFailure: { Destination: BUS } };
    await lambda.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'tells', MaximumRetryAttempts: 0, DestinationConfig }));
    const [good, bad] = [await world.queue('went-well'), await world.queue('went-badly')];
    const pattern = (kind: string) => ({ EventPattern: JSON.stringify({ source: ['lambda'], 'detail-type': [{ suffix: kind }] }) });
    await world.rule('well', pattern('Success'), [{ Id: 'q', Arn: good.arn }]);
    await world.rule('badly', pattern('Failure'), [{ Id: 'q', Arn: bad.arn }]);
    await run('tells', { n: 1 });
    await run('tells', { n: 2, fail: 'on purpose' });
    const [succeeded, failed] = [JSON.parse(await good.receive()), JSON.parse(await bad.receive())] as Record<string, any>[];
    const { id, time, detail, ...rest } = succeeded ?? {};
    const functionArn = `arn:aws:lambda:${ACCOUNT}:function:tells:$LATEST`;
    assert.match(String(id), /^[0-9a-f-]{36}$/);
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(rest, {
      version: '0',
      'detail-type': 'Lambda Function Invocation Result - Success',
      source: 'lambda',
      account: '000000000000',
      region: 'us-east-1',
      resources: [BUS, functionArn],
    });
    assert.deepEqual(
      [detail.requestPayload, detail.requestContext.condition, detail.requestContext.functionArn],
      [{ n: 1 }, 'Success', functionArn],
    );
    assert.deepEqual(
      [failed?.['detail-type'], failed?.['detail'].requestContext.condition],
      ['Lambda Function Invocation Result - Failure', 'RetriesExhausted'],
    );
    assert.deepEqual(
      [failed?.['detail'].responseContext.functionError, failed?.['detail'].responsePayload.errorMessage],
      ['Unhandled', 'on purpose'],
    );
  });

  test('hearth.yaml says it as `bus: default`', async () => {
    await deploy('manifest', { async: { retries: 0, onSuccess: { bus: 'default' } } });
    const told = await world.queue('manifest');
    const resources = [{ suffix: ':function:manifest:$LATEST' }];
    await world.rule('of-manifest', { EventPattern: JSON.stringify({ resources }) }, [
      { Id: 'q', Arn: told.arn, InputPath: '$.detail.requestPayload' },
    ]);
    await run('manifest', { n: 3 });
    assert.equal(await told.receive(), '{"n":3}');
    await assert.rejects(deploy('manifest', { async: { onSuccess: { bus: 'other' } } }), /bus/);
    await assert.rejects(
      deploy('manifest', { async: { onSuccess: { bus: 'default', queue: 'q' } } }),
      /give exactly one of function, queue, http, bucket, table and bus/,
    );
  });

  test('what can’t be told is refused when it is asked for', async () => {
    const refused = (Destination: string, message: RegExp) =>
      assert.rejects(
        lambda.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'tells', DestinationConfig: { OnFailure: { Destination } } })),
        (error: Error) => error.name === 'InvalidParameterValueException' && message.test(error.message),
      );
    await refused(`arn:aws:events:${ACCOUNT}:event-bus/other`, /event bus other does not exist/);
    await refused(`arn:aws:sns:${ACCOUNT}:topic`, /is none that can be reached/);
    await refused(`arn:aws:lambda:${ACCOUNT}:function:nobody`, /^The destination ARN arn:aws:lambda:\S+:function:nobody is invalid\.$/);
    const mapping = {
      FunctionName: 'tells',
      EventSourceArn: `arn:aws:hearth:${ACCOUNT}:table/public.orders`,
      StartingPosition: 'LATEST' as const,
      DestinationConfig: { OnFailure: { Destination: BUS } },
    };
    await assert.rejects(lambda.send(new CreateEventSourceMappingCommand(mapping)), /A mapping tells no event bus/);
  });
});

describe('what does not reach the target of a rule or schedule', () => {
  test('goes to the queue of its DeadLetterConfig at once where the target is not there, as it came', async () => {
    const dead = await world.queue('undelivered');
    const [node] = await languages();
    await world.server.deploy('passing', 'triggers-diary', { runtime: node?.runtime, handler: handlerOf('node') });
    const DeadLetterConfig = { Arn: dead.arn };
    const function_ = `arn:aws:lambda:${ACCOUNT}:function:passing`;
    await world.rule('to-nobody', { EventPattern: '{"source":["nobody"]}' }, [{ Id: 'f', Arn: function_, DeadLetterConfig }]);
    await lambda.send(new DeleteFunctionCommand({ FunctionName: 'passing' }));
    const { Entries } = await world.put({ Source: 'nobody' });
    const first = await dead.message();
    assert.equal((JSON.parse(first.Body ?? '') as { id: string }).id, Entries?.[0]?.EventId);
    const { ERROR_MESSAGE, ...attributes } = attributesOf(first);
    assert.match(ERROR_MESSAGE ?? '', /is not there/);
    const RULE_ARN = `arn:aws:events:${ACCOUNT}:rule/to-nobody`;
    assert.deepEqual(attributes, { RULE_ARN, TARGET_ARN: function_, ERROR_CODE: 'NO_RESOURCE', RETRY_ATTEMPTS: '0' });
  });

  test('a queue that is not there: found out by the attempt; the dead letter is the event, not what the target was to be given', async () => {
    const dead = await world.queue('undelivered-queue');
    const target = { Id: 'q', Arn: `arn:aws:sqs:${ACCOUNT}:nowhere`, Input: '"constant"', DeadLetterConfig: { Arn: dead.arn } };
    await world.rule('to-nowhere', { EventPattern: '{"source":["nowhere"]}' }, [target]);
    await world.put({ Source: 'nowhere', Detail: '{"n":5}' });
    const message = await dead.message();
    assert.deepEqual((JSON.parse(message.Body ?? '') as { detail: unknown }).detail, { n: 5 });
    assert.deepEqual([attributesOf(message)['ERROR_CODE'], attributesOf(message)['TARGET_ARN']], ['NO_RESOURCE', target.Arn]);
  });

  test('of a schedule, with its time', async () => {
    const dead = await world.queue('unscheduled');
    const at = new Date(Date.now() + 1_500).toISOString().slice(0, 19);
    const Target = { Arn: `arn:aws:sqs:${ACCOUNT}:nowhere`, RoleArn: ROLE, Input: '"x"', DeadLetterConfig: { Arn: dead.arn } };
    const FlexibleTimeWindow = { Mode: 'OFF' as const };
    await world.scheduler.send(new CreateScheduleCommand({ Name: 'lost', ScheduleExpression: `at(${at})`, FlexibleTimeWindow, Target }));
    const message = await dead.message();
    assert.equal(message.Body, '"x"');
    const { SCHEDULE_ARN, SCHEDULED_TIME, IS_PAYLOAD_TRUNCATED, RULE_ARN } = attributesOf(message);
    assert.deepEqual(
      [SCHEDULE_ARN, SCHEDULED_TIME, IS_PAYLOAD_TRUNCATED, RULE_ARN],
      [`arn:aws:scheduler:${ACCOUNT}:schedule/default/lost`, `${at}Z`, 'false', undefined],
    );
  });

  test('a dead-letter queue that AWS would not take is refused', async () => {
    await world.events.send(new PutRuleCommand({ Name: 'strict', EventPattern: '{"source":["x"]}' }));
    const target = (more: object) =>
      world.events.send(new PutTargetsCommand({ Rule: 'strict', Targets: [{ Id: 'i', Arn: FUNCTION, ...more }] }));
    await assert.rejects(target({ DeadLetterConfig: { Arn: `arn:aws:sqs:${ACCOUNT}:d.fifo` } }), /must be the ARN of a standard queue/);
    await assert.rejects(target({ DeadLetterConfig: { Arn: FUNCTION } }), /must be the ARN of a standard queue/);
    await assert.rejects(target({ RetryPolicy: { MaximumRetryAttempts: 186 } }), /less than or equal to 185/);
    await assert.rejects(target({ RetryPolicy: { MaximumEventAgeInSeconds: 59 } }), /greater than or equal to 60/);
  });
});
