import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { TestServer } from './platform-server.ts';
import { credentialsOf } from './server-credentials.ts';

/** An address of this machine that others reach. */
const reachable = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

const LIST = '/2015-03-31/functions';

test('a server listens on the loopback until it is told otherwise', { skip: reachable === undefined && 'no network here' }, async () => {
  await using server = await TestServer.start();
  const { hostname, port } = new URL(server.endpoint);
  assert.equal(hostname, '127.0.0.1');
  await assert.rejects(fetch(`http://${reachable}:${port}/healthz`));
});

test('beyond the loopback every API asks for a signature, without a key having been made', async () => {
  await using server = await TestServer.start({ host: '0.0.0.0' });
  const endpoint = `http://127.0.0.1:${new URL(server.endpoint).port}`;
  const refused = async (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<void> => {
    const answer = await fetch(endpoint + path, { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) });
    assert.equal(answer.status, 403, `${path}: ${await answer.text()}`);
  };
  await refused(LIST);
  await refused('/hearth/v1/functions');
  await refused('/2015-03-31/functions/f/invocations', {}, 'POST');
  await refused('/', { 'x-amz-target': 'AmazonSQS.ListQueues' }, 'POST');
  const by = (credentials: { accessKeyId: string; secretAccessKey: string }) => {
    const common = { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
    return { lambda: new LambdaClient(common), s3: new S3Client({ ...common, forcePathStyle: true }), sqs: new SQSClient(common) };
  };
  const strangers = by({ accessKeyId: 'any', secretAccessKey: 'any' });
  await assert.rejects(strangers.lambda.send(new InvokeCommand({ FunctionName: 'f' })), { name: 'UnrecognizedClientException' });
  await assert.rejects(strangers.s3.send(new ListBucketsCommand({})), { name: 'InvalidAccessKeyId' });
  await assert.rejects(strangers.sqs.send(new ListQueuesCommand({})), { name: 'InvalidClientTokenId' });
  const own = by(credentialsOf(server.home));
  await assert.rejects(own.lambda.send(new InvokeCommand({ FunctionName: 'f' })), { name: 'ResourceNotFoundException' });
  await own.s3.send(new ListBucketsCommand({}));
  await own.sqs.send(new ListQueuesCommand({}));
  for (const client of [...Object.values(strangers), ...Object.values(own)]) client.destroy();
});

test('anonymous mode beyond the loopback has to be asked for', async () => {
  await using server = await TestServer.start({ host: '0.0.0.0', auth: { required: false, anonymous: null } });
  const endpoint = `http://127.0.0.1:${new URL(server.endpoint).port}`;
  assert.equal((await fetch(endpoint + LIST)).status, 200);
  // Stored data has to be opened by name.
  const listQueues = { method: 'POST', body: '{}', headers: { 'x-amz-target': 'AmazonSQS.ListQueues' } };
  assert.equal((await fetch(endpoint, listQueues)).status, 403);
});
