import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';

const ARN = 'arn:aws:sqs:us-east-1:000000000000:';
let server: TestServer;
let sqs: SQSClient;
const urls = new Map<string, string>();

before(async () => {
  server = await TestServer.start();
  sqs = new SQSClient(clientOptions(server));
  for (const name of ['dead', 'dead.fifo', 'plain', 'plain.fifo']) await create(name);
});
after(async () => {
  sqs.destroy();
  assert.deepEqual(await server.end(), []);
});

async function create(QueueName: string, more: Record<string, string> = {}): Promise<void> {
  const Attributes = { ...(QueueName.endsWith('.fifo') ? { FifoQueue: 'true' } : {}), ...more };
  urls.set(QueueName, (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? '');
}

const redrive = (to: string) => ({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn: `${ARN}${to}`, maxReceiveCount: 3 }) });
const set = (name: string, Attributes: Record<string, string>) =>
  sqs.send(new SetQueueAttributesCommand({ QueueUrl: urls.get(name), Attributes }));

test('dead letters go to a queue that is there, and is of the same type', async () => {
  const another = {
    name: 'InvalidParameterValue',
    message: /RedrivePolicy is invalid\. Reason: Dead-letter queue must be same type of queue as/,
  };
  const none = { name: 'InvalidParameterValue', message: /RedrivePolicy is invalid\. Reason: Dead letter target does not exist/ };
  await assert.rejects(create('new', redrive('dead.fifo')), another);
  await assert.rejects(create('new.fifo', redrive('dead')), another);
  await assert.rejects(create('new', redrive('nothing')), none);
  await assert.rejects(set('plain', redrive('dead.fifo')), another);
  await assert.rejects(set('plain.fifo', redrive('dead')), another);
  await assert.rejects(set('plain', redrive('nothing')), none);
  await assert.rejects(set('plain', { RedrivePolicy: redrive('dead').RedrivePolicy.replace('us-east-1', 'eu-west-1') }), none);
  await create('new', redrive('dead'));
  await create('new.fifo', redrive('dead.fifo'));
  await set('plain', redrive('dead'));
  await set('plain', { RedrivePolicy: '' });
});

test('a queue whose dead letter queue was removed can still be changed', async () => {
  await create('short-lived');
  await create('bereft', redrive('short-lived'));
  await sqs.send(new DeleteQueueCommand({ QueueUrl: urls.get('short-lived') }));
  await set('bereft', { VisibilityTimeout: '7' });
  await assert.rejects(set('bereft', redrive('short-lived')), { name: 'InvalidParameterValue' });
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: urls.get('bereft'), AttributeNames: ['VisibilityTimeout', 'RedrivePolicy'] }),
  );
  assert.equal(Attributes?.['VisibilityTimeout'], '7');
  assert.match(Attributes['RedrivePolicy'] ?? '', /:short-lived"/);
});

test('messages are moved to a queue of the same type only', async () => {
  await create('source', redrive('dead'));
  await create('source.fifo', redrive('dead.fifo'));
  const move = (from: string, to: string) =>
    sqs.send(new StartMessageMoveTaskCommand({ SourceArn: `${ARN}${from}`, DestinationArn: `${ARN}${to}` }));
  await assert.rejects(move('dead', 'plain.fifo'), {
    name: 'InvalidParameterValue',
    message: /a FIFO queue and the source a standard one/,
  });
  await assert.rejects(move('dead.fifo', 'plain'), {
    name: 'InvalidParameterValue',
    message: /a standard queue and the source a FIFO one/,
  });
  await move('dead', 'plain');
  await move('dead.fifo', 'plain.fifo');
});
