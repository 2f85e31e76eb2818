import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketNotificationConfigurationCommand,
  ListObjectVersionsCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
  type Event,
  type LambdaFunctionConfiguration,
  type NotificationConfiguration,
  type QueueConfiguration,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { zipOf } from '../../src/control/testing/plane.ts';
import { asRecorded } from './clients.ts';
import type { Answer } from './call.ts';
import { makeQueue, messageOf, receiveOne, type ReplayQueue } from './queue.ts';
import type { Replay, Scenario } from './replay.ts';
import { TELLING } from './telling.ts';

async function makeBucket(r: Replay): Promise<string> {
  const Bucket = r.name('bucket');
  const { s3 } = r.server.clients;
  await s3.send(new CreateBucketCommand({ Bucket }));
  r.atEnd(async () => {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
  });
  return Bucket;
}

const put = (r: Replay, Bucket: string, object: { Key: string; Body: string }): Promise<Answer> =>
  asRecorded(r.server.clients.s3.send(new PutObjectCommand({ Bucket, ...object })));

/** A bucket whose events go to a queue. */
async function watched(r: Replay, Events: Event[]): Promise<{ Bucket: string; queue: ReplayQueue }> {
  const queue = await makeQueue(r);
  const Bucket = await makeBucket(r);
  const NotificationConfiguration = { QueueConfigurations: [{ QueueArn: queue.arn, Events }] };
  await r.server.clients.s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
  return { Bucket, queue };
}

interface S3Record {
  readonly eventName: string;
  readonly s3: { readonly object: { readonly key: string; readonly eTag?: string } };
}

/** The records of so many events, whatever S3 sends to try a new configuration left out, in the order that the recording has them in. */
async function eventsOf(r: Replay, queue: ReplayQueue, o: { count: number; by: (record: S3Record) => string }): Promise<S3Record[]> {
  const records: S3Record[] = [];
  while (records.length < o.count) {
    const { Records = [] } = JSON.parse(messageOf(await receiveOne(r, queue)).Body ?? '') as { Records?: S3Record[] };
    records.push(...Records);
  }
  return records.sort((a, b) => (o.by(a) < o.by(b) ? -1 : 1));
}

const byKey = (record: S3Record): string => record.s3.object.key;
const byName = (record: S3Record): string => `${record.eventName} ${record.s3.object.eTag ?? ''}`;

async function checkEvents(r: Replay, queue: ReplayQueue, o: { count: number; by: (record: S3Record) => string }): Promise<void> {
  r.check('receive_messages', { messages: await eventsOf(r, queue, o) });
}

const toQueues: Record<string, Scenario> = {
  async test_object_created_put(r) {
    const { Bucket, queue } = await watched(r, ['s3:ObjectCreated:Put']);
    await put(r, Bucket, { Key: 'my_key_0', Body: 'something' });
    await put(r, Bucket, { Key: 'my_key_1', Body: 'something else' });
    await checkEvents(r, queue, { count: 2, by: byKey });
  },
  async test_object_created_and_object_removed(r) {
    const { Bucket, queue } = await watched(r, ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']);
    await put(r, Bucket, { Key: 'source', Body: 'something' });
    const { s3 } = r.server.clients;
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/source` }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'source' }));
    await checkEvents(r, queue, { count: 3, by: byName });
  },
  async test_object_created_complete_multipart_upload(r) {
    const { Bucket, queue } = await watched(r, ['s3:ObjectCreated:*']);
    const { s3 } = r.server.clients;
    const of = { Bucket, Key: 'test-key' };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(of));
    const { ETag } = await s3.send(new UploadPartCommand({ ...of, UploadId, PartNumber: 1, Body: '1'.repeat(6_144) }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ ...of, UploadId, MultipartUpload }));
    await checkEvents(r, queue, { count: 1, by: byKey });
  },
  async test_key_encoding(r) {
    const { Bucket, queue } = await watched(r, ['s3:ObjectCreated:*']);
    await put(r, Bucket, { Key: 'a@b', Body: 'something' });
    await checkEvents(r, queue, { count: 1, by: byKey });
  },
  async test_object_created_put_with_presigned_url_upload(r) {
    const { Bucket, queue } = await watched(r, ['s3:ObjectCreated:*']);
    const url = await getSignedUrl(r.server.clients.s3, new PutObjectCommand({ Bucket, Key: 'key-by-hostname' }));
    await fetch(url, { method: 'PUT', body: 'something' });
    await checkEvents(r, queue, { count: 1, by: byKey });
  },
  async test_delete_objects(r) {
    const { Bucket, queue } = await watched(r, ['s3:ObjectRemoved:*']);
    const Objects = ['key-1', 'key-2', 'key-3'].map((Key) => ({ Key }));
    for (const { Key } of Objects) await put(r, Bucket, { Key, Body: 'something' });
    await r.server.clients.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    await checkEvents(r, queue, { count: 3, by: byKey });
  },
  async test_object_created_put_versioned(r) {
    const { s3 } = r.server.clients;
    const { Bucket, queue } = await watched(r, ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']);
    const versioning = (Status: 'Enabled' | 'Suspended'): Promise<unknown> =>
      s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
    const Key = 'test-key';
    const remove = (VersionId?: string): Promise<Answer> => asRecorded(s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId })));
    await versioning('Enabled');
    const first = await put(r, Bucket, { Key, Body: 'data' });
    r.check('obj-ver1', first);
    r.check('obj-ver2', await put(r, Bucket, { Key, Body: 'data-version2' }));
    const marker = await remove();
    r.check('delete-marker', marker);
    r.check('delete-version', await remove(String(first['VersionId'])));
    r.check('message-versioning-active', await eventsOf(r, queue, { count: 4, by: byName }));
    await versioning('Suspended');
    r.check('add-null-version', await put(r, Bucket, { Key, Body: 'data-version3' }));
    r.check('del-delete-marker', await remove(String(marker['VersionId'])));
    r.check('message-versioning-suspended', await eventsOf(r, queue, { count: 2, by: byName }));
  },
  async test_invalid_sqs_arn(r) {
    const Id = 'id123';
    await invalidTarget(r, (arn) => ({ QueueConfigurations: [queueConfiguration(arn, Id)] }), {
      arn: `arn:aws:sqs:us-east-1:${r.server.accountId}:my-queue`,
      missing: 'queue-does-not-exist',
    });
  },
  async test_multiple_invalid_sqs_arns(r) {
    const Bucket = await makeBucket(r);
    const arn = (name: string): string => `arn:aws:sqs:us-east-1:${r.server.accountId}:${name}`;
    const check = async (name: string, arns: readonly string[]): Promise<void> => {
      const QueueConfigurations = arns.map((a, i) => queueConfiguration(a, `id${i}`));
      r.check(name, await configure(r, Bucket, { NotificationConfiguration: { QueueConfigurations } }));
    };
    await check('two-queue-arns-invalid', ['invalid_arn', 'invalid_arn_2']);
    await check('one-queue-invalid-one-not-existent', [arn('my-queue'), 'invalid_arn_2']);
    await check('multiple-queues-do-not-exist', [arn('my-queue'), arn('my-queue-2')]);
  },
};

const toFunctions: Record<string, Scenario> = {
  async test_invalid_lambda_arn(r) {
    const Events: Event[] = ['s3:ObjectCreated:*'];
    const LambdaFunctionConfigurations = (LambdaFunctionArn: string): LambdaFunctionConfiguration[] => [
      { Id: 'id123', LambdaFunctionArn, Events },
    ];
    await invalidTarget(r, (arn) => ({ LambdaFunctionConfigurations: LambdaFunctionConfigurations(arn) }), {
      arn: `arn:aws:lambda:us-east-1:${r.server.accountId}:function:my-lambda`,
      missing: 'lambda-does-not-exist',
    });
  },
};

function queueConfiguration(QueueArn: string, Id: string): QueueConfiguration {
  return { Id, QueueArn, Events: ['s3:ObjectCreated:*'] };
}

function configure(
  r: Replay,
  Bucket: string,
  o: { NotificationConfiguration: NotificationConfiguration; SkipDestinationValidation?: boolean },
): Promise<Answer> {
  return asRecorded(r.server.clients.s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, ...o })));
}

/** Targets that can't be: of a form that is none, and one that is not there, which may be put all the same. */
async function invalidTarget(
  r: Replay,
  targeting: (arn: string) => NotificationConfiguration,
  o: { arn: string; missing: string },
): Promise<void> {
  const Bucket = await makeBucket(r);
  const wrong = { NotificationConfiguration: targeting('invalid-queue') };
  r.check('invalid_not_skip', await configure(r, Bucket, wrong));
  r.check('invalid_skip', await configure(r, Bucket, { ...wrong, SkipDestinationValidation: true }));
  const absent = { NotificationConfiguration: targeting(o.arn) };
  r.check(o.missing, await configure(r, Bucket, absent));
  await configure(r, Bucket, { ...absent, SkipDestinationValidation: true });
  const get = new GetBucketNotificationConfigurationCommand({ Bucket });
  r.check('skip_destination_validation', await asRecorded(r.server.clients.s3.send(get)));
}

const toEventBridge: Record<string, Scenario> = {
  /** An event in EventBridge's form comes to a function that asks for that form. */
  async test_object_created_put(r) {
    const queue = await makeQueue(r);
    const Bucket = await makeBucket(r);
    const name = r.name();
    const code = `${TELLING}\nexports.handler = (event) => tell('${queue.url}', event);`;
    const objects = { bucket: Bucket, events: ['created', 'removed'], shape: 'eventbridge' };
    await r.server.deploy(name, { runtime: r.server.node, handler: 'index.handler', triggers: [{ objects }] }, { 'index.js': code });
    r.atEnd(() => r.call('DeleteFunction', { FunctionName: name }));
    await put(r, Bucket, { Key: 'test-key', Body: 'data' });
    const event = async (): Promise<unknown> => JSON.parse(messageOf(await receiveOne(r, queue)).Body ?? '');
    r.check('object_created', await event());
    await r.server.clients.s3.send(new DeleteObjectCommand({ Bucket, Key: 'test-key' }));
    r.check('object_deleted', await event());
  },
};

const layers: Record<string, Scenario> = {
  async test_layer_s3_content(r) {
    const Bucket = await makeBucket(r);
    const Body = await zipOf({ 'python/x.py': '1' });
    await r.server.clients.s3.send(new PutObjectCommand({ Bucket, Key: 'layer.zip', Body }));
    const Content = { S3Bucket: Bucket, S3Key: 'layer.zip' };
    await r.checkCall('publish_layer_result', 'PublishLayerVersion', { LayerName: r.name('layer'), Content });
  },
};

function grouped(group: string, scenarios: Record<string, Scenario>): [string, Scenario][] {
  return Object.entries(scenarios).map(([name, scenario]) => [`${group}::${name}`, scenario]);
}

/** What of the recordings needs buckets. */
export const BUCKET_SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...grouped('TestS3NotificationsToSQS', toQueues),
  ...grouped('TestS3NotificationsToLambda', toFunctions),
  ...grouped('TestS3NotificationsToEventBridge', toEventBridge),
  ...grouped('TestLambdaLayer', layers),
]);
