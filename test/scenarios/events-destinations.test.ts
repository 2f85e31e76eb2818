import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  GetFunctionEventInvokeConfigCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

interface Outcome {
  readonly requestContext: {
    readonly condition: string;
    readonly functionArn: string;
    readonly approximateInvokeCount: number;
    readonly requestId: string;
  };
  readonly requestPayload: { readonly n: number };
  readonly responsePayload?: { readonly errorMessage?: string; readonly n?: number };
}

describe('outcomes of asynchronous invocations', () => {
  let server: TestServer;
  let diary: Diary;
  let clients: { s3: S3Client; sqs: SQSClient; lambda: LambdaClient };
  let runtime: string;
  before(async () => {
    server = await TestServer.start();
    diary = await Diary.open();
    const [node] = await languages();
    runtime = node?.runtime ?? '';
    const common = clientOptions(server);
    clients = { s3: new S3Client({ ...common, forcePathStyle: true }), sqs: new SQSClient(common), lambda: new LambdaClient(common) };
  });
  after(async () => {
    for (const client of Object.values(clients)) client.destroy();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const deploy = (name: string, async?: object) =>
    server.deploy(name, 'events-diary', { runtime, handler: handlerOf('node'), ...(async === undefined ? {} : { async }) });
  const invoke = (name: string, event: object) =>
    server.client.invoke({ functionName: name, payload: Buffer.from(JSON.stringify(event)), invocationType: 'Event' });

  test('a success is told to a function', async () => {
    await deploy('told');
    await deploy('works', { onSuccess: { function: 'told' }, retries: 1 });
    const config = await clients.lambda.send(new GetFunctionEventInvokeConfigCommand({ FunctionName: 'works' }));
    assert.equal(config.MaximumRetryAttempts, 1);
    assert.equal(config.DestinationConfig?.OnSuccess?.Destination, 'arn:aws:lambda:us-east-1:000000000000:function:told');
    const { requestId } = await invoke('works', { n: 1 });
    const told = await until(async () => (await server.client.events.list({ functionName: 'told' })).events[0]);
    assert.equal(told.source, 'destination');
    const [detail] = await server.client.events.show(told.eventId);
    const outcome = JSON.parse(detail?.payload ?? '') as Outcome;
    assert.deepEqual(outcome.requestContext, {
      requestId,
      functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:works:$LATEST',
      condition: 'Success',
      approximateInvokeCount: 1,
    });
    assert.deepEqual([outcome.requestPayload, outcome.responsePayload], [{ n: 1 }, { n: 1 }]);
  });

  test('what names a destination that is not there says so: a deployment, which makes it all the same, and Lambda’s API, which does not', async () => {
    await deploy('there');
    const queue = (name: string) => ({ queue: `none-${name}` });
    const manifest = {
      runtime,
      handler: handlerOf('node'),
      async: { onSuccess: { function: 'never-deployed' }, onFailure: queue('failed'), deadLetter: { function: 'there' } },
      triggers: [{ database: { table: 'never_made', onFailure: { bucket: 'none-here' } } }],
    };
    const { missing } = await server.deploy('names', 'events-diary', manifest);
    assert.deepEqual(missing, [
      { at: 'async.onSuccess', kind: 'function', name: 'never-deployed' },
      { at: 'async.onFailure', kind: 'queue', name: 'none-failed' },
      { at: 'triggers[0].database.onFailure', kind: 'bucket', name: 'none-here' },
    ]);
    await server.client.remove('names');
    for (const Destination of ['arn:aws:sqs:us-east-1:000000000000:none-failed', 'arn:aws:s3:::none-here']) {
      const DestinationConfig = { OnFailure: { Destination } };
      const put = clients.lambda.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'there', DestinationConfig }));
      await assert.rejects(put, { name: 'InvalidParameterValueException', message: `The destination ARN ${Destination} is invalid.` });
    }
  });

  test('a success is told to a queue, an address and a bucket, too', async () => {
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'succeeded' }));
    const Bucket = 'successes';
    await clients.s3.send(new CreateBucketCommand({ Bucket }));
    const to = { queue: { queue: 'succeeded' }, http: { http: diary.url }, bucket: { bucket: Bucket, prefix: 'good/' } };
    for (const [kind, onSuccess] of Object.entries(to)) {
      await deploy(`works-${kind}`, { onSuccess });
      await invoke(`works-${kind}`, { n: 10 });
    }
    const { Messages } = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    const posted = (await until(() => diary.entries.find((e) => 'requestContext' in e && !('n' in e)))) as unknown as Outcome;
    const Key = await until(async () => (await clients.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'good/' }))).Contents?.[0]?.Key);
    const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket, Key }));
    for (const outcome of [JSON.parse(Messages?.[0]?.Body ?? ''), posted, JSON.parse((await Body?.transformToString()) ?? '')] as Outcome[])
      assert.deepEqual(
        [outcome.requestContext.condition, outcome.requestPayload, outcome.responsePayload],
        ['Success', { n: 10 }, { n: 10 }],
      );
    diary.entries.length = 0;
  });

  test('a failure is told to an address', async () => {
    await deploy('fails-http', { retries: 0, onFailure: { http: diary.url } });
    await invoke('fails-http', { n: 2, fail: 'no luck' });
    const outcome = (await until(() => diary.entries.find((e) => 'requestContext' in e))) as unknown as Outcome;
    assert.equal(outcome.requestContext.condition, 'RetriesExhausted');
    assert.equal(outcome.requestContext.approximateInvokeCount, 1);
    assert.equal(outcome.responsePayload?.errorMessage, 'no luck');
  });

  test('a failure is told to a queue', async () => {
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'failed' }));
    await deploy('fails-queue', { retries: 0, onFailure: { queue: 'failed' } });
    await invoke('fails-queue', { n: 3, fail: 'no' });
    const receive = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MessageSystemAttributeNames: ['All'] });
    const { Messages } = await clients.sqs.send(receive);
    assert.equal((JSON.parse(Messages?.[0]?.Body ?? '') as Outcome).requestPayload.n, 3);
    // The trace goes on, and with it the count of hops: a queue that comes back to its function is a loop too.
    assert.match(Messages?.[0]?.Attributes?.['AWSTraceHeader'] ?? '', /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};.*Lineage=[0-9a-zA-Z-]+:1$/);
  });

  test('an event of a function that may have no instances is given up at once', async () => {
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: 'blocked' }));
    await deploy('blocked', { onFailure: { queue: 'blocked' } });
    await clients.lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'blocked', ReservedConcurrentExecutions: 0 }));
    await invoke('blocked', { n: 6 });
    const { Messages } = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    const { requestContext, requestPayload } = JSON.parse(Messages?.[0]?.Body ?? '') as Outcome;
    assert.deepEqual(
      [requestContext.condition, requestContext.approximateInvokeCount, requestPayload],
      ['ZeroReservedConcurrency', 0, { n: 6 }],
    );
  });

  test('a failure is written to a bucket', async () => {
    const Bucket = 'outcomes';
    await clients.s3.send(new CreateBucketCommand({ Bucket }));
    await deploy('fails-bucket', { retries: 0, onFailure: { bucket: Bucket, prefix: 'failed' } });
    await invoke('fails-bucket', { n: 4, fail: 'no' });
    const Key = await until(async () => (await clients.s3.send(new ListObjectsV2Command({ Bucket }))).Contents?.[0]?.Key);
    assert.match(Key, /^failed\/\d{4}\/\d\d\/\d\d\/.*\.json$/);
    const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal((JSON.parse((await Body?.transformToString()) ?? '') as Outcome).requestPayload.n, 4);
  });

  test('one that is not there is a failure of its own, not of the event', async () => {
    await deploy('fails-nowhere', { retries: 0, onFailure: { queue: 'nowhere' } });
    await invoke('fails-nowhere', { n: 5, fail: 'no' });
    const failed = await until(async () => (await server.client.events.list({ state: 'failed', source: 'destination' })).events[0]);
    assert.equal(failed.reason, 'DestinationRefused');
    assert.equal(failed.destination, 'queue:nowhere');
  });

  test('a function that is not there is a failure that can be seen, too', async () => {
    await deploy('fails-unknown', { retries: 0, onFailure: { function: 'unknown' }, deadLetter: { function: 'unknown-too' } });
    await invoke('fails-unknown', { n: 6, fail: 'no' });
    const failed = await until(async () => {
      const { events } = await server.client.events.list({ state: 'failed', source: 'destination' });
      const gone = events.filter((e) => e.reason === 'FunctionGone');
      return gone.length === 2 ? gone : null;
    });
    assert.deepEqual(new Set(failed.map((e) => e.functionId)), new Set(['function:unknown', 'function:unknown-too']));
  });

  test('a deployment without it takes it back', async () => {
    await deploy('works');
    await assert.rejects(clients.lambda.send(new GetFunctionEventInvokeConfigCommand({ FunctionName: 'works' })), {
      name: 'ResourceNotFoundException',
    });
  });
});
