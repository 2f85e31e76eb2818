import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  LambdaClient,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  type Message,
} from '@aws-sdk/client-sqs';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

const ARN = 'arn:aws:sqs:us-east-1:000000000000:';

describe('queues, by the AWS SDK', () => {
  let server: TestServer;
  let diary: Diary;
  let sqs: SQSClient;
  let lambda: LambdaClient;
  before(async () => {
    server = await TestServer.start();
    diary = await Diary.open();
    const [node] = await languages();
    await server.deploy('batches', 'events-batches', { runtime: node?.runtime, handler: handlerOf('node') });
    sqs = new SQSClient(clientOptions(server));
    lambda = new LambdaClient(clientOptions(server));
  });
  after(async () => {
    sqs.destroy();
    lambda.destroy();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const create = async (QueueName: string, Attributes: Record<string, string> = {}): Promise<string> =>
    (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!;
  const receive = async (QueueUrl: string, more: object = {}): Promise<Message[]> =>
    (
      await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
          ...more,
        }),
      )
    ).Messages ?? [];

  test('a queue is made, found, listed, and removed; a wrong key is refused', async () => {
    const url = await create('first', { VisibilityTimeout: '7' });
    assert.equal(await create('first', { VisibilityTimeout: '7' }), url);
    await assert.rejects(create('first', { VisibilityTimeout: '8' }), { name: 'QueueNameExists' });
    await assert.rejects(create('first.fifo'), { name: 'InvalidParameterValue' });
    assert.equal((await sqs.send(new GetQueueUrlCommand({ QueueName: 'first' }))).QueueUrl, url);
    assert.ok((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'fir' }))).QueueUrls?.includes(url));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn', 'VisibilityTimeout'] }),
    );
    assert.deepEqual(Attributes, { QueueArn: `${ARN}first`, VisibilityTimeout: '7' });
    await sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
    await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: 'first' })), { name: 'QueueDoesNotExist' });
    const stranger = new SQSClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    });
    await assert.rejects(stranger.send(new ListQueuesCommand({})), { name: 'InvalidClientTokenId' });
    stranger.destroy();
  });

  test('messages come back as they were sent, digests and attributes included, and go when they are deleted', async () => {
    const QueueUrl = await create('plain');
    const MessageAttributes = {
      kind: { DataType: 'String', StringValue: 'ü' },
      size: { DataType: 'Number', StringValue: '12.5' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 1, 255]) },
    };
    const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'héllo "x"\n', MessageAttributes })); // the SDK checks the digests
    const [message] = await receive(QueueUrl);
    assert.equal(message?.MessageId, sent.MessageId);
    assert.equal(message?.Body, 'héllo "x"\n');
    assert.equal(message?.MessageAttributes?.['kind']?.StringValue, 'ü');
    assert.deepEqual(Buffer.from(message?.MessageAttributes?.['raw']?.BinaryValue ?? []), Buffer.from([0, 1, 255]));
    assert.equal(message?.Attributes?.ApproximateReceiveCount, '1');
    assert.deepEqual(await receive(QueueUrl), []);
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 0 }));
    const [again] = await receive(QueueUrl);
    assert.equal(again?.Attributes?.ApproximateReceiveCount, '2');
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle })); // an old receipt deletes nothing
    const counts = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessagesNotVisible'] }));
    assert.deepEqual(counts.Attributes, { ApproximateNumberOfMessagesNotVisible: '1' });
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again.ReceiptHandle }));
    await assert.rejects(
      sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: again.ReceiptHandle, VisibilityTimeout: 0 })),
      { name: 'InvalidParameterValue' },
    );
    await assert.rejects(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a\u0000b' })), { name: 'InvalidMessageContents' });
    await assert.rejects(sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'none' })), { name: 'ReceiptHandleIsInvalid' });
  });

  test('a batch is taken entry by entry; purging leaves nothing', async () => {
    const QueueUrl = await create('batch');
    const Entries = [
      { Id: 'a', MessageBody: '1' },
      { Id: 'b', MessageBody: '2', DelaySeconds: 901 },
      { Id: 'c', MessageBody: '3' },
    ];
    const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    assert.deepEqual([sent.Successful?.map((s) => s.Id), sent.Failed?.map((f) => f.Id)], [['a', 'c'], ['b']]);
    const received = await receive(QueueUrl);
    assert.equal(received.length, 2);
    const gone = await sqs.send(
      new DeleteMessageBatchCommand({ QueueUrl, Entries: received.map((m, i) => ({ Id: `${i}`, ReceiptHandle: m.ReceiptHandle })) }),
    );
    assert.equal(gone.Successful?.length, 2);
    await assert.rejects(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [...Entries, Entries[0]!] })), {
      name: 'BatchEntryIdsNotDistinct',
    });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    assert.deepEqual(await receive(QueueUrl), []);
  });

  test('who waits is answered when a message comes, and not before', async () => {
    const QueueUrl = await create('waiting');
    const waiting = receive(QueueUrl, { WaitTimeSeconds: 20 });
    let answered = false;
    void waiting.then(() => (answered = true));
    await receive(QueueUrl);
    assert.equal(answered, false);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'now' }));
    assert.equal((await waiting)[0]?.Body, 'now');
  });

  test('a FIFO queue keeps the order of a group, one receiver at a time, and takes a message once', async () => {
    const QueueUrl = await create('ordered.fifo', { FifoQueue: 'true' });
    const send = (MessageGroupId: string, MessageBody: string, MessageDeduplicationId = MessageBody) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId, MessageDeduplicationId }));
    const first = await send('g', '1');
    assert.equal((await send('g', '1')).MessageId, first.MessageId);
    for (const body of ['2', '3']) await send('g', body);
    await send('h', '4');
    const one = await receive(QueueUrl, { MaxNumberOfMessages: 1 });
    assert.deepEqual(
      one.map((m) => m.Body),
      ['1'],
    );
    const other = await receive(QueueUrl);
    assert.deepEqual(
      other.map((m) => m.Body),
      ['4'],
    );
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: one[0]!.ReceiptHandle }));
    assert.deepEqual(
      (await receive(QueueUrl)).map((m) => m.Body),
      ['2', '3'],
    );
    await assert.rejects(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageGroupId: 'g' })), {
      name: 'InvalidParameterValue',
    });
  });

  test('what was received too often goes to the dead letters', async () => {
    const dead = await create('dead');
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: `${ARN}dead`, maxReceiveCount: 2 });
    const QueueUrl = await create('mortal', { VisibilityTimeout: '0', RedrivePolicy });
    assert.deepEqual((await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }))).queueUrls, [QueueUrl]);
    const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'poison' }));
    for (let i = 0; i < 2; i++) assert.equal((await receive(QueueUrl)).length, 1);
    assert.deepEqual(await receive(QueueUrl), []);
    const [found] = await receive(dead);
    assert.equal(found?.MessageId, MessageId);
    assert.equal(found?.Attributes?.DeadLetterQueueSourceArn, `${ARN}mortal`);
  });

  test('an event source mapping takes messages to a function: what fails comes again alone, a poison message ends in the dead letters', async () => {
    const dead = await create('work-dead');
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: `${ARN}work-dead`, maxReceiveCount: 3 });
    const QueueUrl = await create('work', { VisibilityTimeout: '1', RedrivePolicy });
    const Entries = Array.from({ length: 10 }, (_, i) => ({
      Id: `${i}`,
      MessageBody: JSON.stringify({ n: 1000 + i, poison: i === 4, kind: i === 9 ? 'other' : 'work' }),
    }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const mapping = await lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: 'batches',
        EventSourceArn: `${ARN}work`,
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ body: { kind: ['work'] } }) }] },
      }),
    );
    const [poison] = await until(async () => {
      const found = await receive(dead);
      return found.length > 0 ? found : null;
    });
    assert.equal((JSON.parse(poison?.Body ?? '') as { n: number }).n, 1004);
    const left = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] }),
    );
    assert.deepEqual(left.Attributes, { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' });
    const usage = await server.client.usageRecords({ functionName: 'batches', limit: 100 });
    assert.equal(usage.length, 3); // one batch, and the poison message twice more
    const noted = (await server.client.events.list({ source: 'queue', prefix: 'work/' })).events;
    assert.equal(noted.length, 9); // the one that no filter wants is in no event
    assert.ok(noted.every((e) => e.function === 'batches' && e.sourceArn === `${ARN}work`));
    const bad = noted.find((e) => e.state === 'failed');
    assert.deepEqual([bad?.eventId, bad?.reason, bad?.attempts], [poison?.MessageId, 'RetriesExhausted', 3]);
    const [detail] = await server.client.events.show(bad?.eventId ?? '');
    assert.deepEqual(
      detail?.history.map((h) => [h.attempt, h.outcome, h.errorType]),
      [1, 2, 3].map((n) => [n, 'function_error', 'BatchItemFailure']),
    );
    assert.equal((JSON.parse(detail?.payload ?? '') as { Records: { body: string }[] }).Records[0]?.body, poison?.Body);

    await lambda.send(new UpdateEventSourceMappingCommand({ UUID: mapping.UUID, Enabled: false }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ n: 2000, kind: 'work' }) }));
    const held = await until(async () => {
      const found = await receive(QueueUrl, { VisibilityTimeout: 0 });
      return found.length > 0 ? found : null;
    });
    assert.equal(held.length, 1);
    // From its sending on it is an event that waits for its function, with the id it will have in the ledger.
    const [waits, ...others] = (await server.client.events.list({ state: 'waiting', functionName: 'batches' })).events;
    assert.deepEqual(
      [waits?.eventId, waits?.state, waits?.subject, others],
      [held[0]?.MessageId, 'ready', `work/${held[0]?.MessageId}`, []],
    );
    assert.equal((await server.client.events.list({ state: 'waiting', source: 'async' })).events.length, 0);
    const shown = await server.client.events.show(held[0]?.MessageId ?? '');
    assert.deepEqual(
      shown.map((d) => [d.function, d.payload, d.history]),
      [['batches', held[0]?.Body, []]],
    );
    assert.equal(await server.client.events.redrive({ event: held[0]?.MessageId }), 0);
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID: mapping.UUID, Enabled: true }));
    await until(async () => (await server.client.usageRecords({ functionName: 'batches', limit: 100 })).length === 4);
    const [ran] = await until(async () => {
      const found = await server.client.events.show(held[0]?.MessageId ?? '');
      return found[0]?.state === 'succeeded' ? found : null;
    });
    assert.equal(ran?.history.length, 1);
    await lambda.send(new DeleteEventSourceMappingCommand({ UUID: mapping.UUID }));
  });
});
