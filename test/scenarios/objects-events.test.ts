import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketNotificationConfigurationCommand,
  GetObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Upload } from '@aws-sdk/lib-storage';
import { build } from 'esbuild';
import { parseCloudEvent } from '../../src/model/cloud-event.ts';
import { Diary } from './diary.ts';
import { handlerOf, languages, ROOT, TestServer } from './platform-server.ts';
import { refused, s3Client } from './s3-clients.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

interface Record_ {
  readonly eventVersion: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly awsRegion: string;
  readonly s3: {
    readonly configurationId: string;
    readonly bucket: { readonly name: string; readonly arn: string };
    readonly object: Readonly<Record<string, unknown>>;
  };
}

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:diary';
let server: TestServer;
let client: S3Client;
let diary: Diary;

before(async () => {
  server = await TestServer.start();
  client = s3Client(server);
  diary = await Diary.open();
  const [node] = await languages();
  const manifest = { runtime: node?.runtime, handler: handlerOf('node'), environment: { DIARY: diary.url } };
  await server.deploy('diary', 'objects-diary', manifest);
  const triggers = [
    { objects: { bucket: 'inbox', prefix: 'in/', suffix: '.jpg' } },
    { objects: { bucket: 'bus', shape: 'eventbridge', events: ['created', 'removed'] } },
    { objects: { bucket: 'cloud', shape: 'cloudevents' } },
  ];
  await server.deploy('by-manifest', 'objects-diary', { ...manifest, triggers });
});
after(async () => {
  client.destroy();
  await diary[Symbol.asyncDispose]();
  assert.deepEqual(await server.end(), []);
});

const put = (Bucket: string, Key: string, Body = 'content') => client.send(new PutObjectCommand({ Bucket, Key, Body }));

/** Records that were told of a bucket, in the order they were told. */
function recordsOf(bucket: string): Record_[] {
  return diary.entries.flatMap((e) => (e.event['Records'] as Record_[] | undefined) ?? []).filter((r) => r.s3.bucket.name === bucket);
}

describe('a trigger in a manifest', () => {
  test('makes its bucket, and invokes for the keys it asks for with S3’s event', async () => {
    const { ETag } = await put('inbox', 'in/a b+c/ü.jpg'); // at once: the bucket is there when the deployment is
    await put('inbox', 'in/other.png');
    await put('inbox', 'elsewhere.jpg');
    await put('inbox', 'in/last.jpg');
    await until(() => recordsOf('inbox').length === 2);
    const record = recordsOf('inbox').find((r) => r.s3.object['key'] === 'in/a+b%2Bc/%C3%BC.jpg');
    assert.ok(record);
    assert.deepEqual(
      [record.eventVersion, record.eventSource, record.eventName, record.awsRegion, record.s3.bucket.arn],
      ['2.1', 'aws:s3', 'ObjectCreated:Put', 'us-east-1', 'arn:aws:s3:::inbox'],
    );
    assert.deepEqual(
      [record.s3.object['size'], `"${String(record.s3.object['eTag'])}"`, record.s3.object['versionId']],
      [7, ETag, undefined],
    );
    assert.match(String(record.s3.object['sequencer']), /^[0-9A-F]{18}$/);
  });

  test('is shown by GetBucketNotificationConfiguration and survives a Put of what was shown', async () => {
    const get = () => client.send(new GetBucketNotificationConfigurationCommand({ Bucket: 'inbox' }));
    const { LambdaFunctionConfigurations } = await get();
    assert.equal(LambdaFunctionConfigurations?.[0]?.LambdaFunctionArn, ARN.replace(':diary', ':by-manifest'));
    await client.send(
      new PutBucketNotificationConfigurationCommand({ Bucket: 'inbox', NotificationConfiguration: { LambdaFunctionConfigurations } }),
    );
    assert.deepEqual((await get()).LambdaFunctionConfigurations, LambdaFunctionConfigurations);
  });

  test('EventBridge’s shape and CloudEvents’ on request', async () => {
    await put('bus', 'a key');
    await client.send(new DeleteObjectCommand({ Bucket: 'bus', Key: 'a key' }));
    const bus = await until(() => {
      const events = diary.entries.map((e) => e.event).filter((e) => e['source'] === 'aws.s3');
      return events.length === 2 ? events : null;
    });
    const created = bus.find((e) => e['detail-type'] === 'Object Created');
    assert.ok(created);
    const { object, reason } = created['detail'] as { object: Record<string, unknown>; reason: string };
    assert.deepEqual([object['key'], object['size'], reason], ['a key', 7, 'PutObject']);
    const deleted = bus.find((e) => e['detail-type'] === 'Object Deleted')?.['detail'] as Record<string, unknown>;
    assert.equal(deleted['deletion-type'], 'Permanently Deleted');
    await put('cloud', 'a key');
    const event = await until(() => diary.entries.map((e) => e.event).find((e) => e['specversion'] === '1.0'));
    parseCloudEvent(event);
    assert.deepEqual(
      [event['type'], event['source'], event['subject']],
      ['com.amazonaws.s3.ObjectCreated:Put', 'aws:s3.us-east-1.cloud', 'a key'],
    );
  });
});

describe('a notification that was put', () => {
  const configure = (Bucket: string, NotificationConfiguration: object, more: object = {}) =>
    client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration, ...more }));

  test('every way of writing, removing and tagging has its name, and sequencers increase', async () => {
    const Bucket = 'named';
    await client.send(new CreateBucketCommand({ Bucket }));
    const Events = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:ObjectTagging:*'];
    await configure(Bucket, { LambdaFunctionConfigurations: [{ Id: 'all', LambdaFunctionArn: ARN, Events }] });
    await put(Bucket, 'k');
    await client.send(new CopyObjectCommand({ Bucket, Key: 'k', CopySource: `${Bucket}/k`, MetadataDirective: 'REPLACE' }));
    await new Upload({ client, params: { Bucket, Key: 'k', Body: Buffer.alloc(6 * 1024 * 1024) } }).done();
    await client.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' })); // nothing there: nothing happened
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const { VersionId } = await put(Bucket, 'k');
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'k' }] } }));
    await until(() => recordsOf(Bucket).length === 7);
    const records = recordsOf(Bucket).sort((a, b) => (String(a.s3.object['sequencer']) < String(b.s3.object['sequencer']) ? -1 : 1));
    assert.deepEqual(
      records.map((r) => r.eventName),
      [
        'ObjectCreated:Put',
        'ObjectCreated:Copy',
        'ObjectCreated:CompleteMultipartUpload',
        'ObjectTagging:Put',
        'ObjectRemoved:Delete',
        'ObjectCreated:Put',
        'ObjectRemoved:DeleteMarkerCreated',
      ],
    );
    assert.deepEqual([records[5]?.s3.object['versionId'], records[0]?.s3.configurationId], [VersionId, 'all']);
    assert.equal(new Set(records.map((r) => r.s3.object['sequencer'])).size, 7);
  });

  test('is refused for a function that is not there, an unknown event, and two that overlap', async () => {
    const Bucket = 'refusals';
    await client.send(new CreateBucketCommand({ Bucket }));
    const one = (more: object) => ({ LambdaFunctionArn: ARN, Events: ['s3:ObjectCreated:Put'], ...more });
    const of = (...configurations: object[]) => configure(Bucket, { LambdaFunctionConfigurations: configurations });
    await refused(of(one({ LambdaFunctionArn: `${ARN}-gone` })), 'InvalidArgument', 400);
    await refused(of(one({ Events: ['s3:Rubbish'] })), 'InvalidArgument', 400);
    const filter = (Value: string) => ({ Filter: { Key: { FilterRules: [{ Name: 'prefix', Value }] } } });
    await refused(of(one(filter('a/')), one({ ...filter('a/b'), Events: ['s3:ObjectCreated:*'] })), 'InvalidArgument', 400);
    await of(one(filter('a/')), one(filter('b/')));
    const { LambdaFunctionConfigurations } = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    assert.equal(LambdaFunctionConfigurations?.length, 2);
    const queue = (QueueArn: string) => ({ QueueArn, Events: ['s3:ObjectCreated:*'] });
    const queues = (...arns: string[]) => ({ QueueConfigurations: arns.map(queue), EventBridgeConfiguration: {} });
    const [none, nor] = ['arn:aws:sqs:us-east-1:000000000000:q', 'arn:aws:sqs:us-east-1:000000000000:q2'];
    const unparsed = await refused(configure(Bucket, queues(none, 'q'), { SkipDestinationValidation: true }), 'InvalidArgument', 400);
    assert.equal(unparsed.message, 'The ARN could not be parsed');
    const absent = await refused(configure(Bucket, queues(none, nor)), 'InvalidArgument', 400);
    assert.equal(absent.message, 'Unable to validate the following destination configurations');
    const { ArgumentName1, ArgumentName2 } = absent as unknown as Record<string, string>;
    assert.deepEqual([ArgumentName1, ArgumentName2], [none, nor]);
    await configure(Bucket, queues(none), { SkipDestinationValidation: true });
    const got = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    assert.deepEqual([got.QueueConfigurations?.length, got.EventBridgeConfiguration], [1, {}]);
    await configure(Bucket, {});
    assert.equal((await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))).QueueConfigurations, undefined);
  });
});

test('a queue is told as a function is, of the keys that its filter has', async () => {
  const sqs = new SQSClient(clientOptions(server));
  const [Bucket, QueueName] = ['to-queue', 'uploads'];
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
  await client.send(new CreateBucketCommand({ Bucket }));
  const FilterRules = [
    { Name: 'prefix' as const, Value: 'in/' },
    { Name: 'suffix' as const, Value: '.jpg' },
  ];
  const to = {
    QueueArn: `arn:aws:sqs:us-east-1:000000000000:${QueueName}`,
    Events: ['s3:ObjectCreated:*' as const],
    Filter: { Key: { FilterRules } },
  };
  await client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: { QueueConfigurations: [to] } }));
  for (const key of ['in/a.png', 'out/a.jpg', 'in/ü b.jpg']) await put(Bucket, key);
  const seen: string[] = [];
  await until(async () => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 }));
    for (const { Body = '' } of Messages)
      seen.push(
        ...((JSON.parse(Body) as { Records?: Record_[] }).Records ?? []).map((r) => `${r.eventName} ${String(r.s3.object['key'])}`),
      );
    return seen.length > 0;
  });
  assert.deepEqual(seen, ['ObjectCreated:Put in/%C3%BC+b.jpg']);
  sqs.destroy();
});

test('an unmodified handler with the AWS SDK, bundled as people do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-handler-'));
  try {
    const entry = join(ROOT, 'test/functions/objects-aws-sdk/index.mjs');
    await build({
      entryPoints: [entry],
      outfile: join(folder, 'index.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
    const [node] = await languages();
    await client.send(new CreateBucketCommand({ Bucket: 'results' }));
    const triggers = [{ objects: { bucket: 'for-sdk' } }];
    await server.deploy('sdk', folder, { runtime: node?.runtime, handler: 'index.handler', timeoutSeconds: 60, memoryMb: 512, triggers });
    await put('for-sdk', 'a b+c/ü.bin', 'x'.repeat(4321));
    const text = await until(async () => {
      const got = await client.send(new GetObjectCommand({ Bucket: 'results', Key: 'a b+c/ü.bin.txt' })).catch(() => null);
      return got === null ? null : got.Body?.transformToString();
    });
    assert.equal(text, '4321 bytes');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const boto3 = spawnSync('python3', ['-c', 'import boto3']).status === 0;
test('an unmodified handler with boto3 reads the upload and writes beside it', { skip: !boto3 && 'boto3 is not installed' }, async () => {
  const python = (await languages()).find((l) => l.language === 'python');
  await client.send(new CreateBucketCommand({ Bucket: 'results' }));
  await server.deploy('boto', 'objects-boto3', {
    runtime: python?.runtime,
    handler: handlerOf('python'),
    timeoutSeconds: 60,
    memoryMb: 512,
    triggers: [{ objects: { bucket: 'originals' } }],
  });
  await put('originals', 'a b/ü.bin', 'x'.repeat(1234));
  const text = await until(async () => {
    const got = await client.send(new GetObjectCommand({ Bucket: 'results', Key: 'a b/ü.bin.txt' })).catch(() => null);
    return got === null ? null : got.Body?.transformToString();
  });
  assert.equal(text, '1234 bytes');
});
