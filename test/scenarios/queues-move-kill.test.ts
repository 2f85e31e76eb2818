import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  CancelMessageMoveTaskCommand,
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  SendMessageBatchCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { ServerProcess } from './platform-process.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

const ARN = 'arn:aws:sqs:us-east-1:000000000000:';

after(() => ServerProcess.endAll()); // of tests that failed

test('a task that moves dead letters back goes on after kill -9, and is listed and cancelled as before', async () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-move-kill-'));
  let server = await ServerProcess.start({ home });
  const connected = () => new SQSClient(clientOptions({ home, endpoint: server.client.endpoint }));
  let sqs = connected();
  const dead = (await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }))).QueueUrl!;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: `${ARN}dead`, maxReceiveCount: 1 });
  await sqs.send(new CreateQueueCommand({ QueueName: 'alive', Attributes: { RedrivePolicy } }));
  const Entries = Array.from({ length: 8 }, (_, i) => ({ Id: `${i}`, MessageBody: `${i}` }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: dead, Entries }));
  const count = async (name: string): Promise<number> => {
    const QueueUrl = `${server.client.endpoint}/000000000000/${name}`;
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }));
    return Number(Attributes?.['ApproximateNumberOfMessages']);
  };
  const listed = async () => (await sqs.send(new ListMessageMoveTasksCommand({ SourceArn: `${ARN}dead` }))).Results?.[0];
  const start = { SourceArn: `${ARN}dead`, DestinationArn: `${ARN}alive`, MaxNumberOfMessagesPerSecond: 2 };
  // It would never end.
  await assert.rejects(sqs.send(new StartMessageMoveTaskCommand({ ...start, DestinationArn: `${ARN}dead` })), /destination is the source/);
  const { TaskHandle } = await sqs.send(new StartMessageMoveTaskCommand(start));
  await until(async () => (await count('alive')) >= 2);
  await server.end('SIGKILL');
  sqs.destroy();

  server = await ServerProcess.start({ home });
  sqs = connected();
  const again = await listed();
  assert.deepEqual([again?.Status, again?.TaskHandle, again?.ApproximateNumberOfMessagesToMove], ['RUNNING', TaskHandle, 8]);
  await assert.rejects(sqs.send(new StartMessageMoveTaskCommand(start)), /already a task running/);
  await until(async () => (await listed())?.Status === 'COMPLETED');
  const done = await listed();
  assert.deepEqual([done?.ApproximateNumberOfMessagesMoved, done?.TaskHandle], [8, undefined]);
  assert.deepEqual([await count('dead'), await count('alive')], [0, 8]);

  await sqs.send(new SendMessageBatchCommand({ QueueUrl: `${server.client.endpoint}/000000000000/dead`, Entries }));
  const next = await sqs.send(new StartMessageMoveTaskCommand({ ...start, MaxNumberOfMessagesPerSecond: 1 }));
  await server.end('SIGKILL');
  sqs.destroy();
  server = await ServerProcess.start({ home });
  sqs = connected();
  const cancelled = await sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle: next.TaskHandle }));
  const end = await listed();
  assert.deepEqual([end?.Status, end?.ApproximateNumberOfMessagesMoved], ['CANCELLED', cancelled.ApproximateNumberOfMessagesMoved]);
  assert.equal((await count('dead')) + (await count('alive')), 16);
  assert.equal(await count('dead'), 8 - (cancelled.ApproximateNumberOfMessagesMoved ?? 0));
  sqs.destroy();
  assert.equal(await server.end('SIGTERM'), 0);
  rmSync(home, { recursive: true, force: true });
});
