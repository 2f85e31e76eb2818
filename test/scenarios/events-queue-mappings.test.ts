import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CreateEventSourceMappingCommand, LambdaClient, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Diary } from './diary.ts';
import { languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

describe('event source mappings of queues', () => {
  let server: TestServer;
  let diary: Diary;
  let lambda: LambdaClient;
  let sqs: SQSClient;
  let manifest: { runtime: string | undefined; handler: string; timeoutSeconds: number; environment: Record<string, string> };
  before(async () => {
    [server, diary] = await Promise.all([TestServer.start(), Diary.open()]);
    lambda = new LambdaClient(clientOptions(server));
    sqs = new SQSClient(clientOptions(server));
    const runtime = (await languages())[0]?.runtime;
    manifest = { runtime, handler: 'index.handler', timeoutSeconds: 120, environment: { DIARY: diary.url } };
    await server.deploy('tells', 'events-messages', manifest);
  });
  after(async () => {
    lambda.destroy();
    sqs.destroy();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const queue = async (QueueName: string): Promise<{ url: string; arn: string; send: (body: string) => Promise<unknown> }> => {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName }));
    const send = (MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    return { url: QueueUrl, arn: `arn:aws:sqs:us-east-1:000000000000:${QueueName}`, send };
  };
  test('what Lambda refuses: a queue that is not there, and of a FIFO queue what would take its order', async () => {
    const mapping = (EventSourceArn: string, more = {}) =>
      lambda.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells', EventSourceArn, Enabled: false, ...more }));
    const refused = (message: string) => ({ name: 'InvalidParameterValueException', message });
    const missing =
      'Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.';
    for (const arn of ['us-east-1:000000000000:none', 'eu-west-1:000000000000:there', 'us-east-1:111111111111:there']) {
      await queue('there');
      await assert.rejects(mapping(`arn:aws:sqs:${arn}`), refused(missing), arn);
    }
    await sqs.send(new CreateQueueCommand({ QueueName: 'there.fifo', Attributes: { FifoQueue: 'true' } }));
    const ordered = 'arn:aws:sqs:us-east-1:000000000000:there.fifo';
    const window = refused('Batching window is not supported for FIFO queues.');
    await assert.rejects(mapping(ordered, { MaximumBatchingWindowInSeconds: 1 }), window);
    await assert.rejects(mapping(ordered, { BatchSize: 100, MaximumBatchingWindowInSeconds: 1 }), window);
    const { UUID } = await mapping(ordered, { BatchSize: 10 });
    await assert.rejects(lambda.send(new UpdateEventSourceMappingCommand({ UUID, MaximumBatchingWindowInSeconds: 1 })), window);
  });

  const bodies = (from = 0): string[][] => diary.entries.slice(from).map((e) => e.event['bodies'] as string[]);

  test('a batch is waited for within its window, and closed when it is full', async () => {
    const { arn, send } = await queue('windowed');
    const more = { BatchSize: 3, MaximumBatchingWindowInSeconds: 300 };
    await lambda.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells', EventSourceArn: arn, ...more }));
    for (const body of ['1', '2', '3', '4', '5', '6']) await send(body);
    await until(() => bodies().flat().length === 6);
    assert.deepEqual(
      bodies().map((batch) => batch.length),
      [3, 3],
    );
  });

  test('no more batches run at once than MaximumConcurrency says; the rest stays visible in the queue', async () => {
    const { arn, url, send } = await queue('bounded');
    const from = diary.entries.length;
    let go = (): void => {};
    diary.hold = new Promise((resolve) => (go = resolve));
    for (let n = 0; n < 10; n++) await send(String(n));
    const more = { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } };
    await lambda.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells', EventSourceArn: arn, ...more }));
    await until(() => bodies(from).length === 2);
    const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames }));
    assert.deepEqual(Attributes, { ApproximateNumberOfMessages: '8', ApproximateNumberOfMessagesNotVisible: '2' });
    go();
    diary.hold = Promise.resolve();
    await until(() => bodies(from).length === 10);
    assert.deepEqual(bodies(from).flat().sort(), [...Array(10).keys()].map(String));
  });

  test('a trigger of hearth.yaml makes its queue before it looks for messages: it is never told of as missing', async () => {
    const triggers = [{ queue: { queue: 'made', batchSize: 1 } }];
    await server.deploy('declares', 'events-messages', { ...manifest, triggers });
    const states = new Set<string>();
    await until(async () => {
      const [trigger] = await server.client.triggers('declares');
      states.add(`${trigger?.state} ${trigger?.detail}`);
      return trigger?.state === 'running';
    });
    for (const state of states) assert.match(state, /^(starting|running) null$/);
    const { url } = await queue('made');
    const from = diary.entries.length;
    await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'x' }));
    await until(() => bodies(from).length === 1);
    await server.deploy('declares', 'events-messages', { ...manifest, triggers: [{ queue: { queue: 'made', enabled: false } }] });
    await until(async () => (await server.client.triggers('declares'))[0]?.state === 'disabled');
  });
});
