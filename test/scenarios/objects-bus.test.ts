import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { readLocalKey } from '../../src/auth/local-key.ts';
import { TestServer } from './platform-server.ts';
import { until } from './until.ts';

let server: TestServer;
let clients: { readonly events: EventBridgeClient; readonly s3: S3Client; readonly sqs: SQSClient };

before(async () => {
  server = await TestServer.start();
  const key = readLocalKey(server.home);
  assert.ok(key !== null);
  const credentials = { accessKeyId: key.id, secretAccessKey: key.secret };
  const options = { endpoint: server.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
  clients = { events: new EventBridgeClient(options), s3: new S3Client({ ...options, forcePathStyle: true }), sqs: new SQSClient(options) };
});

after(async () => {
  for (const client of Object.values(clients)) client.destroy();
  assert.deepEqual(await server.end(), []);
});

test('a bucket that is to tell the event bus does: what happens to its objects fits rules', async () => {
  const { events, s3, sqs } = clients;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'pictures' }));
  const detail = { bucket: { name: ['told', 'silent'] }, object: { key: [{ suffix: '.png' }] } };
  const pattern = { source: ['aws.s3'], 'detail-type': ['Object Created'], detail };
  await events.send(new PutRuleCommand({ Name: 'uploads', EventPattern: JSON.stringify(pattern) }));
  const queue = { Id: '1', Arn: 'arn:aws:sqs:us-east-1:000000000000:pictures' };
  await events.send(new PutTargetsCommand({ Rule: 'uploads', Targets: [queue] }));
  for (const Bucket of ['told', 'silent']) await s3.send(new CreateBucketCommand({ Bucket }));
  const toBus = { Bucket: 'told', NotificationConfiguration: { EventBridgeConfiguration: {} } };
  await s3.send(new PutBucketNotificationConfigurationCommand(toBus));
  const put = (Bucket: string, Key: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  await put('silent', 'a.png');
  await put('told', 'a.txt');
  await put('told', 'b c/ü.png');
  const receive = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 });
  const text = await until(async () => (await sqs.send(receive)).Messages?.[0]?.Body);
  const event = JSON.parse(text) as { source: string; resources: string[]; detail: { object: { key: string; size: number } } };
  const { key, size } = event.detail.object;
  assert.deepEqual([event.source, event.resources, key, size], ['aws.s3', ['arn:aws:s3:::told'], 'b c/ü.png', 1]);
});
