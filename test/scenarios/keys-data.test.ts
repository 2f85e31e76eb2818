import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { TestServer } from './platform-server.ts';
import { refused, s3Client } from './s3-clients.ts';
import { clientOptions, signedFetch } from './server-credentials.ts';

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | string[];
  readonly Resource: string | string[];
}

const clients: { destroy(): void }[] = [];
let server: TestServer;
let owner: S3Client;

before(async () => {
  server = await TestServer.start();
  owner = s3Client(server);
  clients.push(owner);
  for (const Bucket of ['uploads', 'others']) {
    await owner.send(new CreateBucketCommand({ Bucket }));
    for (const Key of ['in/a', 'out/a']) await owner.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  }
});
after(async () => {
  for (const client of clients) client.destroy();
  assert.deepEqual(await server.end(), []);
});

async function options(statements: readonly Statement[]) {
  const { id, secret } = await server.client.keys.create({ statements });
  return { ...clientOptions(server), credentials: { accessKeyId: id, secretAccessKey: secret } };
}

async function s3Of(...statements: Statement[]): Promise<S3Client> {
  const client = new S3Client(await options(statements));
  clients.push(client);
  return client;
}

const allow = (Action: string | string[], Resource: string | string[]): Statement => ({ Effect: 'Allow', Action, Resource });
const no = (call: Promise<unknown>) => refused(call, 'AccessDenied', 403);

test('S3: who may read below a prefix reads there, and does nothing else anywhere', async () => {
  const reader = await s3Of(allow('s3:GetObject', 'arn:aws:s3:::uploads/in/*'));
  assert.equal(await (await reader.send(new GetObjectCommand({ Bucket: 'uploads', Key: 'in/a' }))).Body?.transformToString(), 'x');
  await reader.send(new HeadObjectCommand({ Bucket: 'uploads', Key: 'in/a' }));
  const denial = await no(reader.send(new GetObjectCommand({ Bucket: 'uploads', Key: 'out/a' })));
  assert.match(denial.message, /not authorized to perform: s3:GetObject on resource: arn:aws:s3:::uploads\/out\/a because/);
  await no(reader.send(new GetObjectCommand({ Bucket: 'others', Key: 'in/a' })));
  await no(reader.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'in/b', Body: 'y' })));
  await no(reader.send(new DeleteObjectCommand({ Bucket: 'uploads', Key: 'in/a' })));
  await no(reader.send(new ListObjectsV2Command({ Bucket: 'uploads' })));
  await no(reader.send(new ListBucketsCommand({})));
  await no(reader.send(new CreateBucketCommand({ Bucket: 'new' })));
  await no(reader.send(new DeleteBucketCommand({ Bucket: 'others' })));
  await no(reader.send(new PutBucketVersioningCommand({ Bucket: 'uploads', VersioningConfiguration: { Status: 'Enabled' } })));
  await no(reader.send(new GetObjectAttributesCommand({ Bucket: 'uploads', Key: 'in/a', ObjectAttributes: ['ETag'] })));
  await no(reader.send(new GetObjectTaggingCommand({ Bucket: 'uploads', Key: 'in/a' })));
  // A URL that it signs opens what it may open itself.
  assert.equal((await fetch(await getSignedUrl(reader, new GetObjectCommand({ Bucket: 'uploads', Key: 'in/a' })))).status, 200);
  assert.equal((await fetch(await getSignedUrl(reader, new GetObjectCommand({ Bucket: 'uploads', Key: 'out/a' })))).status, 403);
});

test('S3: who may not list a bucket is not told what is not in it', async () => {
  const reader = await s3Of(allow('s3:GetObject', 'arn:aws:s3:::uploads/*'));
  const lister = await s3Of(allow(['s3:GetObject', 's3:ListBucket'], ['arn:aws:s3:::uploads', 'arn:aws:s3:::uploads/*']));
  const absent = new GetObjectCommand({ Bucket: 'uploads', Key: 'in/none' });
  await no(reader.send(absent));
  await refused(lister.send(absent), 'NoSuchKey', 404);
  assert.equal((await lister.send(new ListObjectsV2Command({ Bucket: 'uploads' }))).KeyCount, 2);
  await no(lister.send(new ListObjectsV2Command({ Bucket: 'others' })));
  await no(lister.send(new ListObjectVersionsCommand({ Bucket: 'uploads' })));
});

test('S3: who may write writes, in parts, by forms and copies of what it may read; a denial goes before', async () => {
  const writer = await s3Of(
    allow(['s3:PutObject', 's3:AbortMultipartUpload'], 'arn:aws:s3:::uploads/w/*'),
    allow('s3:GetObject', 'arn:aws:s3:::uploads/in/*'),
    { Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::uploads/w/secret*' },
  );
  await writer.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'w/a', Body: 'y' }));
  await no(writer.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'w/secret', Body: 'y' })));
  await no(writer.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'w/tagged', Body: 'y', Tagging: 'a=b' })));
  const begun = { Bucket: 'uploads', Key: 'w/parts' };
  const { UploadId } = await writer.send(new CreateMultipartUploadCommand(begun));
  await writer.send(new AbortMultipartUploadCommand({ ...begun, UploadId }));
  await no(writer.send(new CreateMultipartUploadCommand({ Bucket: 'uploads', Key: 'in/parts' })));
  await writer.send(new CopyObjectCommand({ Bucket: 'uploads', Key: 'w/copy', CopySource: 'uploads/in/a' }));
  await no(writer.send(new CopyObjectCommand({ Bucket: 'uploads', Key: 'w/copy', CopySource: 'uploads/out/a' })));
  await no(writer.send(new CopyObjectCommand({ Bucket: 'uploads', Key: 'w/copy', CopySource: 'uploads/in%2F..%2Fout/a' })));
  const form = async (Key: string): Promise<number> => {
    const { url, fields } = await createPresignedPost(writer, { Bucket: 'uploads', Key });
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append('file', new Blob(['z']));
    return (await fetch(url, { method: 'POST', body })).status;
  };
  assert.equal(await form('w/form'), 204);
  assert.equal(await form('in/form'), 403);
});

test('S3: tags are copied by who may read and set them; who may not copies without', async () => {
  await owner.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'in/tagged', Body: 'x', Tagging: 'secret=1' }));
  const copier = allow(['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'], 'arn:aws:s3:::uploads/*');
  const [read, write] = [
    allow('s3:GetObjectTagging', 'arn:aws:s3:::uploads/in/*'),
    allow('s3:PutObjectTagging', 'arn:aws:s3:::uploads/copied'),
  ];
  const copy = { Bucket: 'uploads', Key: 'copied', CopySource: 'uploads/in/tagged' };
  for (const statements of [[], [read], [write]]) {
    const client = await s3Of(copier, ...statements);
    await no(client.send(new CopyObjectCommand(copy)));
    // Without tags, and with none to copy, there is nothing to ask for.
    await client.send(new CopyObjectCommand({ ...copy, TaggingDirective: 'REPLACE' }));
    await client.send(new CopyObjectCommand({ ...copy, CopySource: 'uploads/in/a' }));
  }
  const both = await s3Of(copier, read, write);
  await both.send(new CopyObjectCommand(copy));
  assert.equal((await owner.send(new GetObjectTaggingCommand({ Bucket: 'uploads', Key: 'copied' }))).TagSet?.[0]?.Key, 'secret');
  // Of a version that is named, tags are another action, as content is.
  await no(both.send(new CopyObjectCommand({ ...copy, CopySource: `${copy.CopySource}?versionId=null` })));
  const versions = await s3Of(copier, write, allow('s3:GetObjectVersionTagging', 'arn:aws:s3:::uploads/in/*'));
  await versions.send(new CopyObjectCommand({ ...copy, CopySource: `${copy.CopySource}?versionId=null` }));
});

test('S3: of many removals each is allowed by itself, and versions are actions of their own', async () => {
  await owner.send(new PutBucketVersioningCommand({ Bucket: 'others', VersioningConfiguration: { Status: 'Enabled' } }));
  const { VersionId } = await owner.send(new PutObjectCommand({ Bucket: 'others', Key: 'in/v', Body: '1' }));
  const remover = await s3Of(
    allow(['s3:DeleteObject', 's3:GetObject', 's3:GetBucketVersioning'], ['arn:aws:s3:::others', 'arn:aws:s3:::others/in/*']),
  );
  assert.equal((await remover.send(new GetBucketVersioningCommand({ Bucket: 'others' }))).Status, 'Enabled');
  await remover.send(new GetObjectCommand({ Bucket: 'others', Key: 'in/v' }));
  await no(remover.send(new GetObjectCommand({ Bucket: 'others', Key: 'in/v', VersionId })));
  await no(remover.send(new DeleteObjectCommand({ Bucket: 'others', Key: 'in/v', VersionId })));
  const Objects = [{ Key: 'in/a' }, { Key: 'out/a' }, { Key: 'in/v', VersionId }];
  const { Deleted, Errors } = await remover.send(new DeleteObjectsCommand({ Bucket: 'others', Delete: { Objects } }));
  assert.deepEqual(
    Deleted?.map((d) => d.Key),
    ['in/a'],
  );
  assert.deepEqual(
    Errors?.map((e) => [e.Key, e.Code]),
    [
      ['out/a', 'AccessDenied'],
      ['in/v', 'AccessDenied'],
    ],
  );
  await owner.send(new GetObjectCommand({ Bucket: 'others', Key: 'out/a' }));
});

test('SQS: a key does to a queue what its statements allow, a batch as one message', async () => {
  const admin = new SQSClient(clientOptions(server));
  const urls: Record<string, string> = {};
  for (const QueueName of ['mine', 'theirs']) urls[QueueName] = (await admin.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? '';
  const sender = new SQSClient(await options([allow(['sqs:SendMessage', 'sqs:GetQueueUrl'], 'arn:aws:sqs:*:*:mine')]));
  clients.push(admin, sender);
  const denied = (call: Promise<unknown>) =>
    assert.rejects(call, { name: 'AccessDenied', message: /is not authorized to perform: sqs:\w+ on resource: arn:aws:sqs:/ });
  const to = (name: string) => ({ QueueUrl: urls[name] });
  assert.equal((await sender.send(new GetQueueUrlCommand({ QueueName: 'mine' }))).QueueUrl, urls['mine']);
  await sender.send(new SendMessageCommand({ ...to('mine'), MessageBody: 'a' }));
  const Entries = [{ Id: '1', MessageBody: 'b' }];
  assert.equal((await sender.send(new SendMessageBatchCommand({ ...to('mine'), Entries }))).Successful?.length, 1);
  await denied(sender.send(new SendMessageCommand({ ...to('theirs'), MessageBody: 'a' })));
  await denied(sender.send(new SendMessageBatchCommand({ ...to('theirs'), Entries })));
  await denied(sender.send(new GetQueueUrlCommand({ QueueName: 'theirs' })));
  await denied(sender.send(new GetQueueUrlCommand({ QueueName: 'nobody' })));
  await denied(sender.send(new ReceiveMessageCommand(to('mine'))));
  await denied(sender.send(new ListQueuesCommand({})));
  await denied(sender.send(new CreateQueueCommand({ QueueName: 'more' })));
  await denied(sender.send(new StartMessageMoveTaskCommand({ SourceArn: 'arn:aws:sqs:us-east-1:000000000000:mine' })));
});

test('SQS: a member that an operation does not read allows nothing', async () => {
  const { id, secret } = await server.client.keys.create({ statements: [allow('sqs:*', 'arn:aws:sqs:*:*:mine')] });
  const call = async (target: string, input: object): Promise<string> => {
    const { signed } = await import('../../src/auth/sign.ts');
    const [host, payload] = [new URL(server.endpoint).host, Buffer.from(JSON.stringify(input))];
    const given = { host, 'x-amz-target': `AmazonSQS.${target}`, 'content-type': 'application/x-amz-json-1.0' };
    const headers = {
      ...given,
      ...signed({ method: 'POST', url: '/', headers: given, payload, service: 'sqs' }, { id, secret }, Date.now()),
    };
    return (await fetch(server.endpoint, { method: 'POST', headers, body: payload.toString() })).text();
  };
  const [mine, theirs] = [`${server.endpoint}/000000000000/mine`, `${server.endpoint}/000000000000/theirs`];
  const SourceArn = 'arn:aws:sqs:us-east-1:000000000000:mine';
  assert.match(await call('SendMessage', { QueueUrl: theirs, SourceArn, QueueName: 'mine', MessageBody: 'x' }), /AccessDenied/);
  assert.match(await call('CreateQueue', { QueueUrl: mine, QueueName: 'sly' }), /AccessDenied/);
  assert.match(await call('ListQueues', { QueueUrl: mine }), /AccessDenied/);
  assert.match(await call('StartMessageMoveTask', { SourceArn, DestinationArn: SourceArn.replace('mine', 'theirs') }), /AccessDenied/);
  assert.match(await call('SendMessage', { QueueUrl: mine, MessageBody: 'x' }), /MessageId/);
  const denied = await signedFetch(server, '/', {
    method: 'POST',
    service: 'sqs',
    headers: { 'x-amz-target': 'AmazonSQS.SendMessage' },
    body: 'null',
  });
  assert.equal(denied.status, 400);
});
