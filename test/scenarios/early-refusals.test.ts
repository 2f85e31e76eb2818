import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { CreateFunctionCommand, CreateFunctionUrlConfigCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { AccessKey } from '../../src/auth/keys.ts';
import { signed } from '../../src/auth/sign.ts';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';
import { clientOptions, ownKey, signedFetch } from './server-credentials.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as 'nodejs20.x';
const PATH = '/2015-03-31/functions';
const BODY = Buffer.from('{"FunctionName":"a"}');
/** Nearly as much as Lambda takes. */
const LARGE = { 'content-length': '69000000' };
/** For what would never end without an answer. */
const WATCHED = { timeout: 60_000 };

let server: TestServer;

before(async () => {
  server = await TestServer.start();
});
after(async () => {
  assert.deepEqual(await server.end(), []);
});

/** Sends the head of a request; its body is up to the test. */
function head(headers: Readonly<Record<string, string>>, signal: AbortSignal, path = PATH): ClientRequest {
  const sent = request(server.endpoint + path, { method: 'POST', headers, signal });
  sent.on('error', () => {}); // the test is over, its server gone
  sent.flushHeaders();
  return sent;
}

async function answerTo(sent: ClientRequest): Promise<{ status: number | undefined; code: unknown; message: string }> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const body = await text(answer);
  const document = body.startsWith('<') ? { message: body } : (JSON.parse(body) as { message?: string; Message?: string });
  return { status: answer.statusCode, code: answer.headers['x-amzn-errortype'], message: document.message ?? document.Message ?? '' };
}

/** The headers of a signature. `bare`: as botocore signs, which says nothing of the payload. */
function signature(key: AccessKey, { bare = false } = {}): Record<string, string> {
  const { host } = new URL(server.endpoint);
  const { 'x-amz-content-sha256': hash = '', ...others } = signed(
    { method: 'POST', url: PATH, headers: { host }, payload: BODY },
    key,
    Date.now(),
  );
  const { authorization = '' } = others;
  return bare
    ? { ...others, authorization: authorization.replace('x-amz-content-sha256;', '') }
    : { ...others, 'x-amz-content-sha256': hash };
}

test('who is refused is told before a byte of the body is read', WATCHED, async ({ signal }) => {
  const own = ownKey(server.home);
  const unknown = { id: 'AKIANOBODY', secret: 'any' };
  const scheme = { authorization: 'AWS4-HMAC-SHA256 Credential=rubbish' };
  const refused: readonly (readonly [Record<string, string>, number, string, RegExp])[] = [
    [{}, 403, 'MissingAuthenticationTokenException', /^Missing Authentication Token\. .*hearth keys env/],
    [signature(unknown), 403, 'UnrecognizedClientException', /^The security token included in the request is invalid\. /],
    [signature(unknown, { bare: true }), 403, 'UnrecognizedClientException', /^The security token included in the request is invalid\. /],
    [
      signature({ ...own, secret: 'wrong' }),
      403,
      'InvalidSignatureException',
      /^The request signature we calculated does not match the sig/,
    ],
    [scheme, 400, 'IncompleteSignatureException', /^The authorization header is malformed; /],
  ];
  for (const [headers, status, code, message] of refused) {
    const sent = head({ ...headers, ...LARGE }, signal);
    const answer = await answerTo(sent);
    assert.deepEqual([answer.status, answer.code], [status, code], answer.message);
    assert.match(answer.message, message);
    sent.destroy();
  }
  const nothing = head(LARGE, signal, '/2017-03-31/tags/a');
  assert.equal((await answerTo(nothing)).code, 'MissingAuthenticationTokenException');
  nothing.destroy();
});

test('who asks before sending is told to go on only where the head of the request will do', WATCHED, async ({ signal }) => {
  const expects = { expect: '100-continue' };
  const refused = head({ ...expects, ...LARGE }, signal);
  refused.on('continue', () => assert.fail('told to go on'));
  const [answer] = (await once(refused, 'response')) as [IncomingMessage];
  assert.deepEqual([answer.statusCode, answer.headers.connection], [403, 'close']);
  refused.destroy();

  const length = String(BODY.length);
  const taken = head({ ...expects, ...signature(ownKey(server.home)), 'content-length': length }, signal);
  await once(taken, 'continue');
  taken.end(BODY);
  assert.match((await answerTo(taken)).message, /validation error/);

  // Uploads are piped, and Hearth's own API is read by its framework.
  assert.equal((await signedFetch(server, '/continues', { method: 'PUT', service: 's3' })).status, 200);
  for (const [path, method, service, status] of [
    ['/continues/a', 'PUT', 's3', 200],
    ['/hearth/v1/keys', 'POST', 'lambda', 400],
  ] as const) {
    const { host } = new URL(server.endpoint);
    const all = signed({ method, url: path, headers: { host }, payload: BODY, service }, ownKey(server.home), Date.now());
    const headers = { ...all, ...expects, 'content-type': 'application/json', 'content-length': length };
    const sent = request(server.endpoint + path, { method, signal, headers });
    sent.flushHeaders();
    await once(sent, 'continue');
    sent.end(BODY);
    const [{ statusCode }] = (await once(sent, 'response')) as [IncomingMessage];
    assert.equal(statusCode, status, path);
  }
});

test('so it is with every API that takes large bodies', WATCHED, async ({ signal }) => {
  const zip = await zipOf({ 'index.js': 'exports.handler = async () => 0' });
  const admin = new LambdaClient(clientOptions(server));
  const Role = 'arn:aws:iam::000000000000:role/r';
  const made = { FunctionName: 'f', Runtime: NODE, Handler: 'index.handler', Role, Code: { ZipFile: zip } } as const;
  await admin.send(new CreateFunctionCommand(made));
  await admin.send(new CreateFunctionUrlConfigCommand({ FunctionName: 'f', AuthType: 'AWS_IAM' }));
  admin.destroy();
  const wrong = (path: string, service?: 'events' | 'scheduler' | 'sqs'): Record<string, string> => {
    const { host } = new URL(server.endpoint);
    const request = { method: 'POST', url: path, headers: { host }, payload: BODY, ...(service === undefined ? {} : { service }) };
    return signed(request, { ...ownKey(server.home), secret: 'wrong' }, Date.now());
  };
  const large = { 'content-length': '200000' };
  const functions = '/2015-03-31/functions';
  const apis: readonly (readonly [path: string, headers: Record<string, string>])[] = [
    [`${functions}/f/invocations`, large],
    [`${functions}/f/invocations`, { ...wrong(`${functions}/f/invocations`), ...large }],
    [`${functions}/f/invocations`, { 'transfer-encoding': 'chunked' }],
    [`${functions}/f/invocations`, { ...large, 'x-amz-invocation-type': 'Event' }],
    [`${functions}/nobody/invocations`, large],
    ['/hearth/v1/cloudevents/f', large],
    ['/hearth/v1/keys', { ...large, 'content-type': 'application/json' }],
    ['/fn/f/', { ...wrong('/fn/f/'), ...large }],
    ['/', { ...large, 'x-amz-target': 'AWSEvents.PutEvents' }],
    ['/', { ...wrong('/', 'events'), ...large }],
    ['/schedules/a', { ...wrong('/schedules/a', 'scheduler'), ...large }],
    ['/', { ...large, 'x-amz-target': 'AmazonSQS.SendMessage' }],
    ['/', { ...wrong('/', 'sqs'), ...large }],
    ['/', { ...large, 'content-type': 'application/x-www-form-urlencoded' }],
  ];
  for (const [path, headers] of apis) {
    const sent = head(headers, signal, path);
    const { status, message } = await answerTo(sent);
    assert.equal(status, 403, `${path} ${JSON.stringify(headers)}: ${message}`);
    sent.destroy();
  }
});

test('who may be right is heard out, and then told', WATCHED, async ({ signal }) => {
  const own = ownKey(server.home);
  const length = { 'content-length': String(BODY.length) };
  const heard: readonly (readonly [Record<string, string>, Buffer, string])[] = [
    [signature(own), BODY, 'ValidationException'],
    // What botocore signs can't be judged without its body.
    [signature(own, { bare: true }), BODY, 'InvalidSignatureException'],
    [signature(own), Buffer.from('{"FunctionName":"b"}'), 'InvalidSignatureException'],
  ];
  for (const [headers, body, code] of heard) {
    const sent = head({ ...headers, ...length }, signal);
    sent.end(body);
    assert.equal((await answerTo(sent)).code, code);
  }
});
