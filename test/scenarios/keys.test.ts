import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { readLocalKey } from '../../src/auth/local-key.ts';
import { signed } from '../../src/auth/sign.ts';
import { HearthClient } from '../../src/client/client.ts';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as 'nodejs20.x';

let server: TestServer;
let owner: HearthClient;
let local: { id: string; secret: string };
let key: { id: string; secret: string };

before(async () => {
  server = await TestServer.start();
  const read = readLocalKey(server.home);
  assert.ok(read !== null);
  local = read;
  owner = new HearthClient(server.endpoint, local);
});

after(async () => {
  owner.close();
  assert.deepEqual(await server.end(), []);
});

function clientWith(accessKeyId: string, secretAccessKey: string): LambdaClient {
  return new LambdaClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (e: unknown) => e as Error,
  );
  return error === null ? 'nothing' : error.name;
}

test('in local mode any credentials work', async () => {
  const client = clientWith('any', 'any');
  for (const FunctionName of ['mine', 'theirs']) {
    const ZipFile = await zipOf({ 'index.js': `exports.handler = async (e) => e;` });
    const Role = 'arn:aws:iam::000000000000:role/r';
    await client.send(new CreateFunctionCommand({ FunctionName, Runtime: NODE, Handler: 'index.handler', Role, Code: { ZipFile } }));
  }
  await client.send(new CreateFunctionUrlConfigCommand({ FunctionName: 'mine', AuthType: 'AWS_IAM' }));
  assert.equal((await client.send(new InvokeCommand({ FunctionName: 'mine', Payload: '{"a":1}' }))).StatusCode, 200);
  assert.equal((await fetch(`${server.endpoint}/fn/mine/`)).status, 403);
  client.destroy();
});

test('once a key was made, requests must be signed by one, and it may do what its statements allow', async () => {
  const Resource = 'arn:aws:lambda:*:*:function:mine';
  key = await owner.keys.create({ name: 'ci', statements: [{ Effect: 'Allow', Action: 'lambda:Invoke*', Resource }] });
  const listed = await owner.keys.list();
  assert.deepEqual(
    listed.map((k) => [k.id, k.name]),
    [[key.id, 'ci']],
  );
  assert.ok(!JSON.stringify(listed).includes(key.secret));

  const client = clientWith(key.id, key.secret);
  const invoked = await client.send(new InvokeCommand({ FunctionName: 'mine', Payload: '{"a":"ä"}' }));
  assert.equal(Buffer.from(invoked.Payload ?? []).toString(), '{"a":"ä"}');
  assert.equal(await refusal(client.send(new InvokeCommand({ FunctionName: 'theirs' }))), 'AccessDeniedException');
  assert.equal(await refusal(client.send(new GetFunctionCommand({ FunctionName: 'mine' }))), 'AccessDeniedException');
  client.destroy();

  for (const [id, secret, name] of [
    [key.id, 'wrong', 'InvalidSignatureException'],
    ['any', 'any', 'UnrecognizedClientException'],
  ] as const) {
    const other = clientWith(id, secret);
    assert.equal(await refusal(other.send(new InvokeCommand({ FunctionName: 'mine' }))), name);
    assert.equal(await refusal(other.send(new GetFunctionCommand({ FunctionName: 'mine' }))), name);
    other.destroy();
  }
});

test('a function may use the platform with the key in its environment, and not change it', async () => {
  const ZipFile = await zipOf({
    'index.js': 'exports.handler = async () => ({ id: process.env.AWS_ACCESS_KEY_ID, secret: process.env.AWS_SECRET_ACCESS_KEY })',
  });
  const admin = clientWith(local.id, local.secret);
  const Role = 'arn:aws:iam::000000000000:role/r';
  await admin.send(new CreateFunctionCommand({ FunctionName: 'tells', Runtime: NODE, Handler: 'index.handler', Role, Code: { ZipFile } }));
  const told = await admin.send(new InvokeCommand({ FunctionName: 'tells' }));
  const its = JSON.parse(Buffer.from(told.Payload ?? []).toString()) as { id: string; secret: string };
  const client = clientWith(its.id, its.secret);
  assert.equal((await client.send(new InvokeCommand({ FunctionName: 'mine', Payload: '{}' }))).StatusCode, 200);
  assert.equal(await refusal(client.send(new GetFunctionCommand({ FunctionName: 'mine' }))), 'AccessDeniedException');
  assert.equal(await refusal(client.send(new DeleteFunctionCommand({ FunctionName: 'mine' }))), 'AccessDeniedException');
  client.destroy();
  admin.destroy();
});

test('unsigned requests reach nothing but what is public; a payload other than the signed one is refused', async () => {
  const path = '/2015-03-31/functions/mine/invocations';
  const bare = await fetch(server.endpoint + path, { method: 'POST', body: '{}' });
  assert.deepEqual([bare.status, bare.headers.get('x-amzn-errortype')], [403, 'MissingAuthenticationTokenException']);
  for (const own of ['/hearth/v1/functions', '/hearth/v1/keys', '/hearth/v1/status'])
    assert.equal((await fetch(server.endpoint + own)).status, 403, own);
  assert.equal((await fetch(`${server.endpoint}/healthz`)).status, 200);
  const host = new URL(server.endpoint).host;
  const headers = signed({ method: 'POST', url: path, headers: { host }, payload: Buffer.from('{"a":1}') }, key, Date.now());
  assert.equal((await fetch(server.endpoint + path, { method: 'POST', body: '{"a":1}', headers })).status, 200);
  const changed = await fetch(server.endpoint + path, { method: 'POST', body: '{"a":2}', headers });
  assert.deepEqual([changed.status, changed.headers.get('x-amzn-errortype')], [403, 'InvalidSignatureException']);
});

test('a function URL of AWS_IAM answers who may invoke it', async () => {
  const host = new URL(server.endpoint).host;
  const call = async (by: { id: string; secret: string }): Promise<number> => {
    const headers = signed({ method: 'GET', url: '/fn/mine/', headers: { host }, payload: Buffer.alloc(0) }, by, Date.now());
    return (await fetch(`${server.endpoint}/fn/mine/`, { headers })).status;
  };
  assert.equal(await call(key), 200);
  assert.equal(await call({ ...key, secret: 'wrong' }), 403);
  assert.equal((await fetch(`${server.endpoint}/fn/mine/`)).status, 403);
});

test('a revoked key opens nothing; when none is left the server is local again', async () => {
  const other = await owner.keys.create({});
  await owner.keys.revoke(key.id);
  const client = clientWith(key.id, key.secret);
  assert.equal(await refusal(client.send(new InvokeCommand({ FunctionName: 'mine' }))), 'UnrecognizedClientException');
  await owner.keys.revoke(other.id);
  assert.equal(await refusal(client.send(new InvokeCommand({ FunctionName: 'mine' }))), 'nothing');
  await assert.rejects(owner.keys.revoke(key.id), /There is no key/);
  client.destroy();
});
