import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CreateEventSourceMappingCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { deployBundled } from './bundled.ts';
import { npmPackages, type Packages } from './packages.ts';
import { TestServer } from './platform-server.ts';
import { credentialsOf } from './server-credentials.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;

const CODE = `
import { Logger } from '@aws-lambda-powertools/logger';
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { SqsSchema } from '@aws-lambda-powertools/parser/schemas/sqs';

const logger = new Logger({ serviceName: 'orders' });
const processor = new BatchProcessor(EventType.SQS);

export const handler = async (event, context) => {
  logger.addContext(context);
  const { Records } = SqsSchema.parse(event);
  logger.info('a batch', { records: Records.length });
  return processPartialResponse(event, async (record) => {
    const order = JSON.parse(record.body);
    if (order.bad) throw new Error('a bad order');
    logger.info('an order', { order });
  }, processor, { context });
};
`;

let server: TestServer;
let found: Packages;
before(async () => {
  server = await TestServer.start();
  found = await npmPackages({
    '@aws-lambda-powertools/logger': '2.35.0',
    '@aws-lambda-powertools/batch': '2.35.0',
    '@aws-lambda-powertools/parser': '2.35.0',
    zod: '4.6.7',
  });
});
after(async () => {
  assert.deepEqual(await server.end(), []);
});

interface Line {
  readonly message: string;
  readonly service: string;
  readonly cold_start: boolean;
  readonly function_name: string;
  readonly function_request_id: string;
  readonly function_memory_size: string | number;
  readonly xray_trace_id?: string;
  readonly records?: number;
  readonly order?: unknown;
}

test('Powertools for TypeScript: schemas fit the events, batches fail in part, logs know their invocation', async (t) => {
  if (found.missing !== null) return t.skip(found.missing);
  await deployBundled(server, 'orders', { root: found.root, code: CODE, manifest: { runtime: NODE, timeoutSeconds: 2 } });
  const common = { endpoint: server.endpoint, region: 'us-east-1', credentials: credentialsOf(server.home), maxAttempts: 1 };
  const [sqs, lambda] = [new SQSClient(common), new LambdaClient(common)];
  const queue = async (QueueName: string, Attributes: Record<string, string> = {}): Promise<{ url: string; arn: string }> => {
    const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    const { Attributes: told } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }));
    return { url, arn: told?.['QueueArn'] ?? '' };
  };
  const dead = await queue('dead');
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
  const source = await queue('orders', { VisibilityTimeout: '2', RedrivePolicy });
  const bodies = [{ n: 1 }, { n: 2, bad: true }, { n: 3 }];
  const Entries = bodies.map((body, i) => ({ Id: `m${i}`, MessageBody: JSON.stringify(body) }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: source.url, Entries }));
  const mapping = { FunctionName: 'orders', EventSourceArn: source.arn, FunctionResponseTypes: ['ReportBatchItemFailures' as const] };
  await lambda.send(new CreateEventSourceMappingCommand(mapping));

  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: dead.url, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 }));
  assert.deepEqual(
    Messages?.map((m) => JSON.parse(m.Body ?? '') as unknown),
    [{ n: 2, bad: true }],
  );
  const lines: Line[] = [];
  for await (const { text } of server.client.logs({ functionName: 'orders', follow: false }))
    if (text.startsWith('{')) lines.push(JSON.parse(text) as Line);
  const batches = lines.filter((line) => line.message === 'a batch');
  assert.equal(
    batches.reduce((sum, line) => sum + (line.records ?? 0), 0),
    3,
  );
  assert.deepEqual(
    lines.filter((line) => line.message === 'an order').map((line) => line.order),
    [{ n: 1 }, { n: 3 }],
  );
  const [first] = batches;
  // An instance that was forked from a snapshot is no cold start to Powertools (AWS_LAMBDA_INITIALIZATION_TYPE is snap-start); one that was not is.
  assert.deepEqual([first?.service, first?.function_name, typeof first?.cold_start], ['orders', 'orders', 'boolean']);
  assert.match(first?.function_request_id ?? '', /^[0-9a-f-]{36}$/);
  assert.match(first?.xray_trace_id ?? '', /^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  sqs.destroy();
  lambda.destroy();
});
