import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  DeleteEventSourceMappingCommand,
  DeleteLayerVersionCommand,
  GetEventSourceMappingCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  InvokeCommand,
  LambdaClient,
  PublishLayerVersionCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
  type FunctionCode,
  type Runtime,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, DeleteObjectCommand, PutBucketVersioningCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';
import { s3Client } from './s3-clients.ts';
import { clientOptions } from './server-credentials.ts';

const Bucket = 'artifacts';
const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as Runtime;
const SAYS = (word: string) => `exports.handler = async () => ${JSON.stringify(word)};`;

let server: TestServer;
let lambda: LambdaClient;
let s3: S3Client;
const clients: { destroy(): void }[] = [];

before(async () => {
  server = await TestServer.start();
  lambda = new LambdaClient(clientOptions(server));
  s3 = s3Client(server);
  clients.push(lambda, s3);
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
});
after(async () => {
  for (const client of clients) client.destroy();
  assert.deepEqual(await server.end(), []);
});

/** Stores a zip, and gives the id of its version. */
async function store(Key: string, files: Record<string, string>): Promise<string> {
  return (await s3.send(new PutObjectCommand({ Bucket, Key, Body: await zipOf(files) }))).VersionId ?? '';
}

async function lambdaWith(
  ...statements: { Effect: string; Action: string | string[]; Resource: string | string[] }[]
): Promise<LambdaClient> {
  const { id, secret } = await server.client.keys.create({ statements });
  const client = new LambdaClient({ ...clientOptions(server), credentials: { accessKeyId: id, secretAccessKey: secret } });
  clients.push(client);
  return client;
}

const create = (FunctionName: string, Code: FunctionCode, by = lambda) =>
  by.send(
    new CreateFunctionCommand({ FunctionName, Runtime: NODE, Handler: 'index.handler', Role: 'arn:aws:iam::000000000000:role/r', Code }),
  );
const said = async (FunctionName: string): Promise<unknown> =>
  JSON.parse(Buffer.from((await lambda.send(new InvokeCommand({ FunctionName }))).Payload ?? []).toString());

test('code comes from a bucket, of the version that is named, at creation and later', async () => {
  const first = await store('code.zip', { 'index.js': SAYS('first') });
  await store('code.zip', { 'index.js': SAYS('second') });
  await create('from-bucket', { S3Bucket: Bucket, S3Key: 'code.zip' });
  assert.equal(await said('from-bucket'), 'second');
  const FunctionName = 'from-bucket';
  await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, S3Bucket: Bucket, S3Key: 'code.zip', S3ObjectVersion: first }));
  await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 30 }, { FunctionName });
  assert.equal(await said(FunctionName), 'first');
});

test('so does a layer’s content', async () => {
  await store('layer.zip', { 'nodejs/node_modules/layered/index.js': 'module.exports = "layered";' });
  const Content = { S3Bucket: Bucket, S3Key: 'layer.zip' };
  const { LayerVersionArn = '' } = await lambda.send(new PublishLayerVersionCommand({ LayerName: 'stored', Content }));
  await create('layered', { ZipFile: await zipOf({ 'index.js': 'exports.handler = async () => require("layered");' }) });
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'layered', Layers: [LayerVersionArn] }));
  await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 30 }, { FunctionName: 'layered' });
  assert.equal(await said('layered'), 'layered');
});

test('what is not there is refused in Lambda’s words, and nothing is made', async () => {
  await store('gone.zip', { 'index.js': SAYS('gone') });
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone.zip' }));
  const key = /^Error occurred while GetObject\. S3 Error Code: NoSuchKey\. S3 Error Message: The specified key does not exist\.$/;
  for (const [code, message] of [
    [{ S3Bucket: Bucket, S3Key: 'nothing.zip' }, key],
    [{ S3Bucket: Bucket, S3Key: 'gone.zip' }, key],
    [{ S3Bucket: 'no-such-bucket', S3Key: 'code.zip' }, /S3 Error Code: NoSuchBucket\./],
    [{ S3Bucket: Bucket }, /Both S3Bucket and S3Key are needed/],
  ] as const)
    await assert.rejects(create('nowhere', code), { name: 'InvalidParameterValueException', message });
  await assert.rejects(said('nowhere'), { name: 'ResourceNotFoundException' });
});

test('who may not read an object does not get it as code', async () => {
  const makes = { Effect: 'Allow', Action: 'lambda:*', Resource: '*' };
  const code = { S3Bucket: Bucket, S3Key: 'code.zip' };
  const denied = { name: 'AccessDeniedException', message: /^Your access has been denied by S3, .* for artifacts\/code\.zip\./ };
  const blind = await lambdaWith(makes);
  await assert.rejects(create('not-theirs', code, blind), denied);
  await assert.rejects(blind.send(new UpdateFunctionCodeCommand({ FunctionName: 'from-bucket', ...code })), denied);
  await assert.rejects(blind.send(new PublishLayerVersionCommand({ LayerName: 'theirs', Content: code })), denied);
  const reads = { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` };
  await create('theirs', code, await lambdaWith(makes, reads));
  assert.equal(await said('theirs'), 'second');
});

test('statements name event source mappings and versions of layers as on AWS', async () => {
  const arn = 'arn:aws:lambda:us-east-1:000000000000';
  const sqs = new SQSClient(clientOptions(server));
  clients.push(sqs);
  await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  const mapped = async (FunctionName: string, by = lambda): Promise<string> => {
    const EventSourceArn = 'arn:aws:sqs:us-east-1:000000000000:q';
    return (await by.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn, Enabled: false }))).UUID ?? '';
  };
  const theirs = await mapped('from-bucket');
  const ofLayered = await lambdaWith({ Effect: 'Allow', Action: 'lambda:*', Resource: `${arn}:function:layered` });
  const mine = await mapped('layered', ofLayered);
  // A mapping that feeds another function stays out of reach, also by naming one's own.
  const denied = { name: 'AccessDeniedException' };
  await assert.rejects(ofLayered.send(new GetEventSourceMappingCommand({ UUID: theirs })), denied);
  await assert.rejects(ofLayered.send(new UpdateEventSourceMappingCommand({ UUID: theirs, FunctionName: 'layered' })), denied);
  await assert.rejects(ofLayered.send(new UpdateEventSourceMappingCommand({ UUID: mine, FunctionName: 'from-bucket' })), denied);
  assert.equal((await ofLayered.send(new UpdateEventSourceMappingCommand({ UUID: mine, BatchSize: 2 }))).BatchSize, 2);
  await ofLayered.send(new DeleteEventSourceMappingCommand({ UUID: mine }));
  const byId = await lambdaWith({ Effect: 'Allow', Action: 'lambda:*', Resource: `${arn}:event-source-mapping:${theirs}` });
  assert.equal((await byId.send(new GetEventSourceMappingCommand({ UUID: theirs }))).UUID, theirs);

  const one = await lambdaWith({ Effect: 'Allow', Action: 'lambda:GetLayerVersion', Resource: `${arn}:layer:stored:1` });
  assert.equal((await one.send(new GetLayerVersionCommand({ LayerName: 'stored', VersionNumber: 1 }))).Version, 1);
  await assert.rejects(one.send(new GetLayerVersionCommand({ LayerName: 'stored', VersionNumber: 2 })), denied);
  await assert.rejects(one.send(new DeleteLayerVersionCommand({ LayerName: 'stored', VersionNumber: 1 })), denied);
  const byArn = await lambdaWith({ Effect: 'Allow', Action: 'lambda:GetLayerVersion', Resource: `${arn}:layer:stored:*` });
  assert.equal((await byArn.send(new GetLayerVersionByArnCommand({ Arn: `${arn}:layer:stored:1` }))).Version, 1);
  await assert.rejects(byArn.send(new GetLayerVersionByArnCommand({ Arn: `${arn}:layer:other:1` })), denied);
});
