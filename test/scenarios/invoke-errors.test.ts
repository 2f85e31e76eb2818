import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { zipOf } from '../../src/control/testing/plane.ts';
import { Diary } from './diary.ts';
import { TestServer } from './platform-server.ts';
import { signedFetch } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const MB = 1024 * 1024;

let server: TestServer;
let diary: Diary;

before(async () => {
  server = await TestServer.start();
  diary = await Diary.open();
  const code = `exports.handler = async ({ tell }) => (tell ? (await fetch(tell, { method: 'POST', body: '{}' })).status : null);`;
  for (const [name, scaling] of [
    ['plain', {}],
    ['narrow', { max: 1 }],
    ['off', { max: 0 }],
  ] as const) {
    const { source } = await server.client.uploadSource(await zipOf({ 'index.js': code }));
    await server.client.deploy(name, { source, manifest: { runtime: NODE, handler: 'index.handler', timeoutSeconds: 60, scaling } });
  }
});
after(async () => {
  await diary[Symbol.asyncDispose]();
  assert.deepEqual(await server.end(), []);
});

interface Sent {
  readonly name?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
}

interface Refused {
  readonly status: number;
  readonly type: string | null;
  readonly document: Readonly<Record<string, string>>;
}

async function invoke({ name = 'plain', body = '{}', headers = {}, path }: Sent): Promise<Refused> {
  const answer = await signedFetch(server, path ?? `/2015-03-31/functions/${name}/invocations`, { method: 'POST', body, headers });
  assert.ok(answer.headers.get('x-amzn-requestid'));
  const text = await answer.text();
  return {
    status: answer.status,
    type: answer.headers.get('x-amzn-errortype'),
    document: text === '' ? {} : (JSON.parse(text) as Record<string, string>),
  };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const EVENT = { 'x-amz-invocation-type': 'Event' };
const ARN = 'arn:aws:lambda:us-east-1:000000000000:function';

/** Each with the status, type and words of AWS. */
const REFUSED: readonly (readonly [what: string, sent: Sent, status: number, type: string, message: RegExp])[] = [
  [
    'no JSON',
    { body: '{a' },
    400,
    'InvalidRequestContentException',
    /^Could not parse request body into json: Could not parse payload into json: /,
  ],
  [
    'no JSON, as an event',
    { body: '{a', headers: EVENT },
    400,
    'InvalidRequestContentException',
    /^Could not parse request body into json: /,
  ],
  ['no UTF-8', { body: Buffer.from([0x22, 0xc3, 0x28, 0x22]) }, 400, 'InvalidRequestContentException', /UTF-8/],
  ['no UTF-8, as an event', { body: Buffer.from([0x22, 0xff, 0x22]), headers: EVENT }, 400, 'InvalidRequestContentException', /UTF-8/],
  [
    'a client context that is no JSON',
    { headers: { 'x-amz-client-context': base64('{') } },
    400,
    'InvalidRequestContentException',
    /^Client context must be a valid Base64-encoded JSON object/,
  ],
  [
    'too large a client context',
    { headers: { 'x-amz-client-context': base64(JSON.stringify('x'.repeat(3000))) } },
    400,
    'InvalidParameterValueException',
    /^Client context must be no more than 3583 bytes/,
  ],
  [
    'types that are none',
    { headers: { 'x-amz-invocation-type': 'Now', 'x-amz-log-type': 'All' } },
    400,
    'ValidationException',
    /^2 validation errors detected: Value 'Now' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: \[.*\]; Value 'All' at 'logType'/,
  ],
  ['a name that is none', { name: 'a%20b' }, 400, 'ValidationException', /at 'functionName'/],
  ['no function', { name: 'nobody' }, 404, 'ResourceNotFoundException', new RegExp(`^Function not found: ${ARN}:nobody:\\$LATEST$`)],
  ['no version', { name: 'plain:7' }, 404, 'ResourceNotFoundException', new RegExp(`^Function not found: ${ARN}:plain:7$`)],
  ['no alias', { path: '/2015-03-31/functions/plain/invocations?Qualifier=live' }, 404, 'ResourceNotFoundException', /plain:live$/],
  [
    'too large',
    { body: Buffer.alloc(6 * MB + 1, 0x20) },
    413,
    'RequestTooLargeException',
    /^Request must be smaller than 6291456 bytes for the InvokeFunction operation$/,
  ],
  [
    'too large an event',
    { body: Buffer.alloc(MB + 1, 0x20), headers: EVENT },
    413,
    'RequestTooLargeException',
    /^1048577 byte payload is too large for the Event invocation type \(limit 1048576 bytes\)$/,
  ],
  ['a picture', { headers: { 'content-type': 'image/png' } }, 415, 'UnsupportedMediaTypeException', /image\/png/],
];

describe('what Invoke refuses', () => {
  for (const [what, sent, status, type, message] of REFUSED)
    test(`${what}: ${status} ${type}`, async () => {
      const answer = await invoke(sent);
      const text = answer.document['message'] ?? answer.document['Message'] ?? '';
      assert.deepEqual([answer.status, answer.type], [status, type], text);
      assert.match(text, message);
    });

  const throttled = (answer: Refused, reason: string): void => {
    assert.deepEqual([answer.status, answer.type, answer.document['Reason']], [429, 'TooManyRequestsException', reason]);
    assert.deepEqual([answer.document['Type'], answer.document['message']], ['User', 'Rate Exceeded.']);
  };

  test('more at once than is reserved: 429 ReservedFunctionConcurrentInvocationLimitExceeded', async () => {
    throttled(await invoke({ name: 'off' }), 'ReservedFunctionConcurrentInvocationLimitExceeded');
    let release = (): void => {};
    diary.hold = new Promise((resolve) => (release = resolve));
    const running = invoke({ name: 'narrow', body: JSON.stringify({ tell: diary.url }) });
    await until(() => diary.entries.length === 1);
    throttled(await invoke({ name: 'narrow' }), 'ReservedFunctionConcurrentInvocationLimitExceeded');
    release();
    assert.equal((await running).status, 200);
  });

  test('InvokeAsync takes an event, and says so in its body', async () => {
    const path = (name: string) => `/2014-11-13/functions/${name}/invoke-async`;
    const taken = await invoke({ path: path('plain') });
    assert.deepEqual([taken.status, taken.document], [202, { Status: 202 }]);
    assert.equal((await invoke({ path: path('nobody') })).status, 404);
  });
});
