import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient, type Message } from '@aws-sdk/client-sqs';
import { zipOf } from '../../src/control/testing/plane.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as 'nodejs20.x';
const CODE = `exports.handler = async (event) => { throw new RangeError(event.message); };`;
const ROLE = 'arn:aws:iam::000000000000:role/r';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:';

describe('dead letters of asynchronous invocations', () => {
  let server: TestServer;
  let lambda: LambdaClient;
  let sqs: SQSClient;
  before(async () => {
    server = await TestServer.start();
    const options = clientOptions(server);
    lambda = new LambdaClient(options);
    sqs = new SQSClient(options);
  });
  after(async () => {
    lambda.destroy();
    sqs.destroy();
    assert.deepEqual(await server.end(), []);
  });
  const create = async (FunctionName: string, TargetArn: string): Promise<void> => {
    const Code = { ZipFile: await zipOf({ 'index.js': CODE }) };
    const config = { FunctionName, Runtime: NODE, Handler: 'index.handler', Role: ROLE, Code, DeadLetterConfig: { TargetArn } };
    await lambda.send(new CreateFunctionCommand(config));
    await lambda.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 0 }));
  };
  const invoke = async (FunctionName: string, event: object): Promise<string | undefined> => {
    const Payload = Buffer.from(JSON.stringify(event));
    return (await lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }))).$metadata.requestId;
  };
  const queue = async (QueueName: string): Promise<string> => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl!;
  const receive = async (QueueUrl: string): Promise<Message> =>
    until(async () => {
      const wanted = { QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: ['All'] };
      return (await sqs.send(new ReceiveMessageCommand(wanted))).Messages?.[0];
    });
  const attributes = (message: Message) =>
    Object.fromEntries(Object.entries(message.MessageAttributes ?? {}).map(([n, a]) => [n, [a.DataType, a.StringValue]]));

  test('an event that is given up goes to the queue as it came, with Lambda’s attributes', async () => {
    const url = await queue('dead');
    await create('fails', `${QUEUE}dead`);
    const event = { n: 4711, message: 'no\u0000 luck' };
    const requestId = await invoke('fails', event);
    const message = await receive(url);
    assert.equal(message.Body, JSON.stringify(event));
    assert.deepEqual(attributes(message), {
      ErrorCode: ['Number', '200'],
      ErrorMessage: ['String', 'no\ufffd luck'],
      RequestID: ['String', requestId],
    });
    const { events } = await server.client.events.list({ source: 'destination' });
    assert.deepEqual(
      events.map((e) => [e.destination, e.eventId]),
      [['queue:dead', `${requestId}:1:dead`]],
    );
  });

  test('a long message is cut at 1,024 bytes, and one that was never tried says why', async () => {
    const url = await queue('long');
    await create('long', `${QUEUE}long`);
    await invoke('long', { message: 'ü'.repeat(2_000) });
    const long = (await receive(url)).MessageAttributes?.['ErrorMessage']?.StringValue;
    assert.equal(long, 'ü'.repeat(512));
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'long', ReservedConcurrentExecutions: 0 }));
    await invoke('long', { message: 'x' });
    const message = await receive(url);
    assert.equal(message.MessageAttributes?.['ErrorCode']?.StringValue, '400');
    assert.match(message.MessageAttributes?.['ErrorMessage']?.StringValue ?? '', /reserved concurrency is 0/);
  });

  test('it is shown, changed and taken back by the API; what can’t be reached is refused', async () => {
    const config = async () => (await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'fails' }))).DeadLetterConfig;
    assert.deepEqual(await config(), { TargetArn: `${QUEUE}dead` });
    const topic = { FunctionName: 'fails', DeadLetterConfig: { TargetArn: 'arn:aws:sns:us-east-1:000000000000:topic' } };
    await assert.rejects(lambda.send(new UpdateFunctionConfigurationCommand(topic)), { name: 'InvalidParameterValueException' });
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'fails', DeadLetterConfig: { TargetArn: '' } }));
    assert.equal(await config(), undefined);
  });

  test('hearth.yaml’s deadLetter: a queue that is not there is told in the ledger; a function is told by its client context', async () => {
    const [node] = await languages();
    const deploy = (name: string, async?: object) =>
      server.deploy(name, 'events-diary', {
        runtime: node?.runtime,
        handler: handlerOf('node'),
        ...(async === undefined ? {} : { async }),
      });
    const run = (name: string) =>
      server.client.invoke({ functionName: name, payload: Buffer.from('{"n":7,"fail":"why"}'), invocationType: 'Event' });
    await deploy('buries', { retries: 0, deadLetter: { queue: 'nowhere' } });
    await run('buries');
    const refused = await until(async () => (await server.client.events.list({ state: 'failed', source: 'destination' })).events[0]);
    assert.deepEqual([refused.destination, refused.reason], ['queue:nowhere', 'DestinationRefused']);

    await deploy('grave', { retries: 0 });
    await deploy('buries', { retries: 0, deadLetter: { function: 'grave' } });
    await run('buries');
    const buried = await until(async () => (await server.client.events.list({ functionName: 'grave' })).events[0]);
    const [detail] = await server.client.events.show(buried.eventId);
    assert.equal(detail?.payload, '{"n":7,"fail":"why"}');
    await deploy('buries');
    assert.equal((await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'buries' }))).DeadLetterConfig, undefined);
    await assert.rejects(deploy('buries', { deadLetter: { queue: 'a', function: 'b' } }), /give either queue or function/);
  });
});
