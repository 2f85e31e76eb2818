import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { AccessKey } from '../../src/auth/keys.ts';
import { signed } from '../../src/auth/sign.ts';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';
import { clientOptions, ownKey, signedFetch } from './server-credentials.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as 'nodejs20.x';
const Role = 'arn:aws:iam::000000000000:role/r';
const INVOKE = '/2015-03-31/functions/mine/invocations';

let server: TestServer;
let key: AccessKey;

before(async () => {
  server = await TestServer.start();
  const admin = new LambdaClient(clientOptions(server));
  for (const FunctionName of ['mine', 'theirs']) {
    const ZipFile = await zipOf({ 'index.js': `exports.handler = async (e) => e;` });
    await admin.send(new CreateFunctionCommand({ FunctionName, Runtime: NODE, Handler: 'index.handler', Role, Code: { ZipFile } }));
  }
  await admin.send(new CreateFunctionUrlConfigCommand({ FunctionName: 'mine', AuthType: 'AWS_IAM' }));
  await admin.send(new CreateFunctionUrlConfigCommand({ FunctionName: 'theirs', AuthType: 'NONE' }));
  admin.destroy();
});

after(async () => {
  assert.deepEqual(await server.end(), []);
});

function lambdaOf({ id, secret }: AccessKey, of: TestServer = server): LambdaClient {
  return new LambdaClient({ ...clientOptions(of), credentials: { accessKeyId: id, secretAccessKey: secret } });
}

/** A call of each service, by AWS's own clients with this key. */
function calls({ id, secret }: AccessKey, of: TestServer): Record<string, () => Promise<unknown>> {
  const options = { ...clientOptions(of), credentials: { accessKeyId: id, secretAccessKey: secret } };
  const once = <C extends { destroy(): void }>(client: C, call: (client: C) => Promise<unknown>) => {
    return () => call(client).finally(() => client.destroy());
  };
  return {
    lambda: once(new LambdaClient(options), (c) => c.send(new ListFunctionsCommand({}))),
    s3: once(new S3Client(options), (c) => c.send(new ListBucketsCommand({}))),
    sqs: once(new SQSClient(options), (c) => c.send(new ListQueuesCommand({}))),
    events: once(new EventBridgeClient(options), (c) => c.send(new ListRulesCommand({}))),
    scheduler: once(new SchedulerClient(options), (c) => c.send(new ListSchedulesCommand({}))),
    logs: once(new CloudWatchLogsClient(options), (c) => c.send(new DescribeLogGroupsCommand({}))),
  };
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (e: unknown) => e as Error,
  );
  return error === null ? 'nothing' : error.name;
}

/** Requests that nobody signed, each to another service. */
const UNSIGNED: readonly (readonly [path: string, init: RequestInit, code: RegExp])[] = [
  ['/2015-03-31/functions', {}, /Missing Authentication Token/],
  [INVOKE, { method: 'POST', body: '{}' }, /Missing Authentication Token/],
  [INVOKE, { method: 'POST', body: '{}', headers: { 'x-amz-invocation-type': 'Event' } }, /Missing Authentication Token/],
  ['/2015-03-31/functions/nobody/invocations', { method: 'POST', body: '{}' }, /Missing Authentication Token/],
  ['/2021-11-15/functions/mine/response-streaming-invocations', { method: 'POST', body: '{}' }, /Missing Authentication Token/],
  ['/hearth/v1/cloudevents/mine', { method: 'POST', body: '{}' }, /Missing Authentication Token/],
  ['/hearth/v1/cloudevents/nobody', { method: 'POST', body: '{}' }, /Missing Authentication Token/],
  ['/hearth/v1/functions', {}, /MissingAuthenticationTokenException.*hearth keys env/],
  [
    '/hearth/v1/keys',
    { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } },
    /MissingAuthenticationTokenException/,
  ],
  [
    '/hearth/v1/sources',
    { method: 'POST', body: 'x', headers: { 'content-type': 'application/zip' } },
    /MissingAuthenticationTokenException/,
  ],
  ['/hearth/v1/status', {}, /MissingAuthenticationTokenException/],
  [
    '/',
    { method: 'POST', body: '{}', headers: { 'x-amz-target': 'AmazonSQS.ListQueues' } },
    /#MissingAuthenticationTokenException".*hearth keys env/,
  ],
  ['/', { method: 'POST', body: new URLSearchParams({ Action: 'ListQueues' }) }, /<Code>MissingAuthenticationToken<.*hearth keys env/],
  [
    '/',
    { method: 'POST', body: '{}', headers: { 'x-amz-target': 'AWSEvents.ListRules' } },
    /"MissingAuthenticationTokenException".*hearth keys env/,
  ],
  [
    '/',
    { method: 'POST', body: '{}', headers: { 'x-amz-target': 'Logs_20140328.DescribeLogGroups' } },
    /"MissingAuthenticationTokenException"/,
  ],
  ['/fn/mine/', {}, /Forbidden/],
];

test('from the first start on, what is not signed reaches nothing but what is public, and is told what to do', async () => {
  for (const [path, init, code] of UNSIGNED) {
    const answer = await fetch(server.endpoint + path, init);
    const text = await answer.text();
    assert.equal(answer.status, 403, `${path}: ${text}`);
    assert.match(text, code, path);
  }
  const bare = await fetch(server.endpoint + INVOKE, { method: 'POST', body: '{}' });
  assert.equal(bare.headers.get('x-amzn-errortype'), 'MissingAuthenticationTokenException');
  assert.match(await bare.text(), /hearth keys env/);
  assert.equal((await fetch(`${server.endpoint}/healthz`)).status, 200);
  assert.equal((await fetch(`${server.endpoint}/fn/theirs/`)).status, 200);
});

test('the server’s own key opens every service; an unknown one and a wrong secret get AWS’s errors', async () => {
  const own = ownKey(server.home);
  for (const call of Object.values(calls(own, server))) await call();
  const unknown = { s3: 'InvalidAccessKeyId', sqs: 'InvalidClientTokenId' } as Record<string, string>;
  for (const [service, call] of Object.entries(calls({ id: 'any', secret: 'any' }, server)))
    await assert.rejects(call(), { name: unknown[service] ?? 'UnrecognizedClientException', message: /hearth keys env/ }, service);
  const wrong = { s3: 'SignatureDoesNotMatch', sqs: 'SignatureDoesNotMatch' } as Record<string, string>;
  for (const [service, call] of Object.entries(calls({ ...own, secret: 'wrong' }, server)))
    await assert.rejects(call(), { name: wrong[service] ?? 'InvalidSignatureException' }, service);
});

test('a key may do what its statements allow', async () => {
  const Resource = 'arn:aws:lambda:*:*:function:mine';
  key = await server.client.keys.create({ name: 'ci', statements: [{ Effect: 'Allow', Action: 'lambda:Invoke*', Resource }] });
  const listed = await server.client.keys.list();
  assert.deepEqual(
    listed.map((k) => [k.id, k.name]),
    [[key.id, 'ci']],
  );
  assert.ok(!JSON.stringify(listed).includes(key.secret));

  const client = lambdaOf(key);
  const invoked = await client.send(new InvokeCommand({ FunctionName: 'mine', Payload: '{"a":"ä"}' }));
  assert.equal(Buffer.from(invoked.Payload ?? []).toString(), '{"a":"ä"}');
  assert.equal(await refusal(client.send(new InvokeCommand({ FunctionName: 'theirs' }))), 'AccessDeniedException');
  assert.equal(await refusal(client.send(new GetFunctionCommand({ FunctionName: 'mine' }))), 'AccessDeniedException');
  client.destroy();
});

test('a function may use the platform with the key in its environment, and not change it', async () => {
  const ZipFile = await zipOf({
    'index.js': 'exports.handler = async () => ({ id: process.env.AWS_ACCESS_KEY_ID, secret: process.env.AWS_SECRET_ACCESS_KEY })',
  });
  const admin = lambdaOf(ownKey(server.home));
  await admin.send(new CreateFunctionCommand({ FunctionName: 'tells', Runtime: NODE, Handler: 'index.handler', Role, Code: { ZipFile } }));
  const told = await admin.send(new InvokeCommand({ FunctionName: 'tells' }));
  const client = lambdaOf(JSON.parse(Buffer.from(told.Payload ?? []).toString()) as AccessKey);
  assert.equal((await client.send(new InvokeCommand({ FunctionName: 'mine', Payload: '{}' }))).StatusCode, 200);
  assert.equal(await refusal(client.send(new GetFunctionCommand({ FunctionName: 'mine' }))), 'AccessDeniedException');
  assert.equal(await refusal(client.send(new DeleteFunctionCommand({ FunctionName: 'mine' }))), 'AccessDeniedException');
  client.destroy();
  admin.destroy();
});

test('a payload other than the signed one is refused', async () => {
  const host = new URL(server.endpoint).host;
  const own = ownKey(server.home);
  const sign = (url: string, payload: string, by: AccessKey) =>
    signed({ method: 'POST', url, headers: { host }, payload: Buffer.from(payload) }, by, Date.now());
  const invoking = sign(INVOKE, '{"a":1}', key);
  const invoke = (body: string) => fetch(server.endpoint + INVOKE, { method: 'POST', body, headers: invoking });
  assert.equal((await invoke('{"a":1}')).status, 200);
  const changed = await invoke('{"a":2}');
  assert.deepEqual([changed.status, changed.headers.get('x-amzn-errortype')], [403, 'InvalidSignatureException']);
  for (const [path, type] of [
    ['/hearth/v1/keys', 'application/json'],
    ['/hearth/v1/sources', 'application/zip'],
  ] as const) {
    const headers = { ...sign(path, '{"name":"a"}', own), 'content-type': type };
    const answer = await fetch(server.endpoint + path, { method: 'POST', body: '{"name":"b"}', headers });
    assert.equal(answer.status, 403, path);
    assert.match(await answer.text(), /InvalidSignatureException/);
  }
  assert.equal((await server.client.keys.list()).length, 1);
});

test('links to code are signed: they open without a key, and only what they are for', async () => {
  const admin = lambdaOf(ownKey(server.home));
  const { Code } = await admin.send(new GetFunctionCommand({ FunctionName: 'mine' }));
  admin.destroy();
  const link = Code?.Location ?? '';
  assert.equal((await fetch(link)).status, 200);
  assert.equal((await fetch(link, { method: 'HEAD' })).status, 403);
  assert.equal((await fetch(link.replace('/mine/', '/theirs/'))).status, 403);
  assert.equal((await fetch(link.replace(/\?.*/, ''))).status, 403);
});

test('a function URL of AWS_IAM answers who may invoke it, and tells the function who that is', async () => {
  const host = new URL(server.endpoint).host;
  const url = '/fn/mine/?__proto__=mine&a=1';
  const call = async (by: AccessKey): Promise<Response> => {
    const headers = signed({ method: 'GET', url, headers: { host }, payload: Buffer.alloc(0) }, by, Date.now());
    return fetch(server.endpoint + url, { headers });
  };
  const answer = await call(key);
  assert.equal(answer.status, 200);
  const event = (await answer.json()) as { requestContext: Record<string, unknown>; queryStringParameters: Record<string, string> };
  assert.equal(event.requestContext['accountId'], '000000000000');
  assert.deepEqual(event.requestContext['authorizer'], {
    iam: {
      accessKey: key.id,
      accountId: '000000000000',
      callerId: key.id,
      cognitoIdentity: null,
      principalOrgId: null,
      userArn: `arn:aws:iam::000000000000:user/${key.id}`,
      userId: key.id,
    },
  });
  assert.deepEqual(Object.entries(event.queryStringParameters), [
    ['__proto__', 'mine'],
    ['a', '1'],
  ]);
  assert.equal((await call({ ...key, secret: 'wrong' })).status, 403);
  const anybody = (await (await fetch(`${server.endpoint}/fn/theirs/`)).json()) as typeof event;
  assert.deepEqual([anybody.requestContext['accountId'], anybody.requestContext['authorizer']], ['anonymous', undefined]);
});

test('a revoked key opens nothing, and without any key the server is as closed as before', async () => {
  await server.client.keys.revoke(key.id);
  const client = lambdaOf(key);
  assert.equal(await refusal(client.send(new InvokeCommand({ FunctionName: 'mine' }))), 'UnrecognizedClientException');
  client.destroy();
  assert.deepEqual(await server.client.keys.list(), []);
  assert.equal((await fetch(server.endpoint + INVOKE, { method: 'POST', body: '{}' })).status, 403);
  assert.equal((await signedFetch(server, INVOKE, { method: 'POST', body: '{}' })).status, 200);
  await assert.rejects(server.client.keys.revoke(key.id), /There is no key/);
});

test('anonymous mode, where it was asked for: nobody is asked who they are', async () => {
  await using open = await TestServer.start({ auth: { required: false, anonymous: null } });
  for (const [path, init] of UNSIGNED) {
    const answer = await fetch(open.endpoint + path, init);
    assert.doesNotMatch(await answer.text(), /Authentication ?Token|hearth keys env/, path);
  }
  assert.equal((await fetch(`${open.endpoint}/hearth/v1/functions`)).status, 200);
  const listQueues = { method: 'POST', body: '{}', headers: { 'x-amz-target': 'AmazonSQS.ListQueues' } };
  assert.equal((await fetch(open.endpoint, listQueues)).status, 200);
  const admin = lambdaOf({ id: 'any', secret: 'any' }, open);
  assert.deepEqual((await admin.send(new ListFunctionsCommand({}))).Functions, []);
  admin.destroy();
  // Who signs to S3 or SQS signs right: it may be that somebody believes in it.
  await assert.rejects(calls({ id: 'any', secret: 'any' }, open)['sqs']?.() ?? Promise.resolve(), { name: 'InvalidClientTokenId' });
  for (const call of Object.values(calls(ownKey(open.home), open))) await call();
});
