import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { descendants } from './leavings.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';
import { clientOptions } from './server-credentials.ts';

const MIB = 1024 * 1024;
const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const STREAM_LIMIT = 30 * MIB;

let server: TestServer;
let client: LambdaClient;

before(async () => {
  server = await TestServer.start({ limits: { streamBytes: STREAM_LIMIT } });
  client = new LambdaClient(clientOptions(server));
  const streams = { runtime: NODE, handler: 'index.handler', timeoutSeconds: 10, url: { auth: 'none', invokeMode: 'response_stream' } };
  await server.deploy('streams', 'streams', streams);
  await server.deploy('streams-short', 'streams', { ...streams, timeoutSeconds: 1 });
  await server.deploy('streams-whole', 'streams', { ...streams, url: { auth: 'none' } });
  await server.deploy('streams-not-async', 'streams', { ...streams, handler: 'index.notAsync' });
  await server.deploy('buffered', 'streams', { ...streams, handler: 'index.buffered' });
});

after(async () => {
  client.destroy();
  assert.deepEqual(await server.end(), []);
  assert.deepEqual(
    descendants(process.pid).filter((p) => p.state !== 'Z'),
    [],
  );
});

interface Streamed {
  readonly payload: Buffer;
  readonly complete: {
    readonly ErrorCode?: string | undefined;
    readonly ErrorDetails?: string | undefined;
    readonly LogResult?: string | undefined;
  };
  readonly type: string | undefined;
  readonly chunks: number;
  readonly requestId: string | null;
}

const json = (event: unknown): Uint8Array => Buffer.from(JSON.stringify(event));

async function stream(FunctionName: string, event: unknown, onChunk: (chunk: Buffer) => Promise<void> = async () => {}): Promise<Streamed> {
  const answer = await client.send(new InvokeWithResponseStreamCommand({ FunctionName, Payload: json(event), LogType: 'Tail' }));
  const chunks: Buffer[] = [];
  let complete: Streamed['complete'] | null = null;
  for await (const part of answer.EventStream ?? []) {
    assert.equal(complete, null, 'nothing comes after InvokeComplete');
    if (part.PayloadChunk?.Payload !== undefined) {
      chunks.push(Buffer.from(part.PayloadChunk.Payload));
      await onChunk(chunks.at(-1)!);
    }
    if (part.InvokeComplete !== undefined) complete = part.InvokeComplete;
  }
  assert.ok(complete !== null, 'InvokeComplete came');
  assert.equal(answer.ExecutedVersion, '$LATEST');
  const requestId = answer.$metadata.requestId ?? null;
  return { payload: Buffer.concat(chunks), complete, type: answer.ResponseStreamContentType, chunks: chunks.length, requestId };
}

const isBusy = async (name: string): Promise<boolean> =>
  (await server.client.resident(name)).instances.some((instance) => instance.state === 'busy');

const details = ({ complete }: Streamed): { errorType: string; errorMessage: string } => JSON.parse(complete.ErrorDetails ?? 'null');

describe('InvokeWithResponseStream by the AWS SDK', () => {
  test('pieces, then the end with the log', async () => {
    const streamed = await stream('streams', { do: 'pieces', n: 3 });
    assert.equal(streamed.payload.toString(), '0\n1\n2\n');
    assert.equal(streamed.complete.ErrorCode, undefined);
    const log = Buffer.from(streamed.complete.LogResult ?? '', 'base64').toString();
    assert.match(log, /^START RequestId: /);
    assert.match(log, /REPORT RequestId: /);
    const usage = await server.usageOf('streams', streamed.requestId);
    assert.deepEqual([usage.bytesOut, usage.outcome], [6, 'ok']);
  });

  test('the first piece is there while the handler runs; a timeout half-way is told at the end', async () => {
    let seen = 0;
    const streamed = await stream('streams-short', { do: 'hold' }, async () => {
      seen++;
      assert.ok(await isBusy('streams-short'));
    });
    assert.deepEqual([seen, streamed.payload.toString(), streamed.complete.ErrorCode], [1, 'first', 'Unhandled']);
    assert.equal(details(streamed).errorType, 'Sandbox.Timedout');
    assert.match(details(streamed).errorMessage, /Task timed out after 1\.00 seconds$/);
    const usage = await server.usageOf('streams-short', streamed.requestId);
    assert.equal(usage.outcome, 'timeout');
  });

  for (const [act, payload, errorType] of [
    ['throwsFirst', '', 'RangeError'],
    ['throwsLate', 'some', 'RangeError'],
    ['exits', 'some', 'Runtime.ExitError'],
    ['forgets', 'some', 'Error'],
  ] as const) {
    test(`${act}: ${errorType} comes with InvokeComplete`, async () => {
      const streamed = await stream('streams', { do: act });
      assert.deepEqual([streamed.payload.toString(), streamed.complete.ErrorCode], [payload, 'Unhandled']);
      assert.equal(details(streamed).errorType, errorType);
    });
  }

  for (const [act, payload] of [
    ['returns', 'written'],
    ['json', '{"not":"bytes"}'],
    ['tooLateType', 'xRuntime.InvalidStreamingOperation: Cannot set content-type, too late.'],
  ] as const) {
    test(`${act}: ${payload}`, async () => assert.equal((await stream('streams', { do: act })).payload.toString(), payload));
  }

  test('a rejection that nobody handles ends the answer and the process', async () => {
    await server.deploy('streams-rejects', 'streams', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 10 });
    const streamed = await stream('streams-rejects', { do: 'rejectsUnhandled' });
    assert.equal(streamed.payload.toString(), 'some');
    assert.equal(details(streamed).errorType, 'Runtime.UnhandledPromiseRejection');
    // Whoever comes next must not meet a process that is about to end.
    for (let i = 0; i < 5; i++) {
      await stream('streams-rejects', { do: 'rejectsUnhandled' });
      assert.equal((await stream('streams-rejects', { do: 'pieces', n: 1 })).payload.toString(), '0\n');
      const Payload = json({ do: 'rejectsUnhandled' });
      const whole = await client.send(new InvokeCommand({ FunctionName: 'streams-rejects', Payload }));
      assert.equal(
        (JSON.parse(Buffer.from(whole.Payload ?? []).toString()) as { errorType: string }).errorType,
        'Runtime.UnhandledPromiseRejection',
      );
      assert.equal((await stream('streams-rejects', { do: 'pieces', n: 1 })).payload.toString(), '0\n');
    }
  });

  test('the context has no ways to answer', async () => {
    const { members, remaining } = JSON.parse((await stream('streams', { do: 'context' })).payload.toString()) as Record<string, string[]>;
    assert.equal(remaining, true);
    for (const name of ['done', 'succeed', 'fail']) assert.ok(!members?.includes(name), name);
    assert.ok(members?.includes('awsRequestId'));
  });

  test('a handler that is not async is refused, as on Lambda', async () => {
    assert.match(details(await stream('streams-not-async', {})).errorMessage, /^Streaming does not support non-async handlers\.$/);
  });

  test('20 MB come whole, and beyond the limit the answer ends with an error', async () => {
    const whole = await stream('streams', { do: 'pipes', bytes: 20 * MIB });
    assert.deepEqual([whole.payload.length, whole.complete.ErrorCode], [20 * MIB, undefined]);
    assert.equal((await server.usageOf('streams', whole.requestId)).bytesOut, 20 * MIB);
    const over = await stream('streams', { do: 'pipes', bytes: STREAM_LIMIT + MIB });
    assert.ok(over.payload.length <= STREAM_LIMIT);
    assert.equal(details(over).errorType, 'Function.ResponseSizeTooLarge');
    assert.equal((await server.usageOf('streams', over.requestId)).outcome, 'too_large');
  });

  test('a function that does not stream comes in one piece', async () => {
    const streamed = await stream('buffered', { a: 1 });
    assert.deepEqual([streamed.payload.toString(), streamed.chunks], ['{"got":{"a":1}}', 1]);
  });

  test('Event is none of its types; a payload that is no JSON is refused', async () => {
    const send = (InvocationType: 'RequestResponse', Payload: Uint8Array) =>
      client.send(new InvokeWithResponseStreamCommand({ FunctionName: 'streams', InvocationType, Payload }));
    await assert.rejects(send('Event' as 'RequestResponse', json({})), /Member must satisfy enum value set: \[RequestResponse, DryRun\]/);
    await assert.rejects(send('RequestResponse', Buffer.from('{')), { name: 'InvalidRequestContentException' });
  });

  test('Python does not stream, as on Lambda: a handler answers whole, a generator is no answer', async (t) => {
    const python = (await languages()).find((l) => l.language === 'python');
    if (python === undefined || python.skip !== false) return t.skip('no Python is installed here');
    await server.deploy('python-tells', 'tells', { runtime: python.runtime, handler: handlerOf('python') });
    const streamed = await stream('python-tells', { a: 1 });
    assert.deepEqual([streamed.chunks, streamed.complete.ErrorCode], [1, undefined]);
    await server.deploy('python-yields', 'python-yields', { runtime: python.runtime, handler: handlerOf('python') });
    const yields = await stream('python-yields', {});
    assert.equal(details(yields).errorType, 'Runtime.MarshalError');
    assert.match(details(yields).errorMessage, /Object of type generator is not JSON serializable/);
  });
});

describe('Invoke of a function that streams', () => {
  const invoke = (event: unknown) => client.send(new InvokeCommand({ FunctionName: 'streams', Payload: json(event) }));
  const text = (payload: Uint8Array | undefined): string => Buffer.from(payload ?? []).toString();

  test('answers whole', async () => {
    const answer = await invoke({ do: 'pieces', n: 2 });
    assert.deepEqual([answer.FunctionError, text(answer.Payload)], [undefined, '0\n1\n']);
  });

  test('an error is all there is, wherever it came', async () => {
    const answer = await invoke({ do: 'throwsLate' });
    assert.equal(answer.FunctionError, 'Unhandled');
    assert.equal((JSON.parse(text(answer.Payload)) as { errorMessage: string }).errorMessage, 'late');
  });

  test('the limit is that of every answer', async () => {
    const answer = await invoke({ do: 'pipes', bytes: 7 * MIB });
    assert.equal((JSON.parse(text(answer.Payload)) as { errorType: string }).errorType, 'Function.ResponseSizeTooLarge');
  });
});

interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Whether the answer came to its end. */
  readonly whole: boolean;
}

/** Asks a URL; `onData` sees what comes, and may break it off. */
function ask(path: string, onData: (text: string, leave: () => void) => void = () => {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${server.endpoint}/fn/${path}`, { agent: false }, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (piece: string) => {
        body += piece;
        onData(body, () => outgoing.destroy());
      });
      incoming.on('error', () => {}); // 'close' follows
      incoming.on('close', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body, whole: incoming.complete }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('function URLs that stream', () => {
  test('what is written without a prelude is a 200 under its own type', async () => {
    const { status, headers, body, whole } = await ask('streams/?do=pieces');
    assert.deepEqual(
      [status, headers['content-type'], headers['transfer-encoding'], body, whole],
      [200, 'text/plain', 'chunked', '0\n1\n2\n', true],
    );
    assert.match(String(headers['x-amzn-requestid']), /^[0-9a-f-]{36}$/);
  });

  test('a prelude says status, headers and cookies', async () => {
    const { status, headers, body } = await ask('streams/?do=prelude');
    assert.deepEqual([status, headers['content-type'], headers['x-own'], body], [418, 'text/plain', 'yes', 'teapot']);
    assert.deepEqual(headers['set-cookie'], ['a=1; Path=/', 'b=2']);
    const empty = await ask('streams/?do=emptyPrelude');
    assert.deepEqual([empty.status, empty.headers['x-own'], empty.body], [204, 'yes', '']);
  });

  test('a prelude that is none is a 502', async () => {
    const { status, body } = await ask('streams/?do=badPrelude');
    assert.deepEqual([status, body], [502, '{"Message":"Internal Server Error"}']);
  });

  test('an error before the first byte is a 502, a timeout a 504; later the answer is cut short', async () => {
    const first = await ask('streams/?do=throwsFirst');
    assert.deepEqual([first.status, first.whole], [502, true]);
    assert.doesNotMatch(first.body, /before/);
    for (const act of ['throwsLate', 'exits']) {
      const late = await ask(`streams/?do=${act}`);
      assert.deepEqual([late.status, late.body, late.whole], [200, 'some', false]);
    }
  });

  test('the first byte is there while the handler runs, and who has the whole answer need not wait for the handler', async () => {
    const held = await ask('streams-short/?do=hold', (text, leave) => text === 'first' && leave());
    assert.equal(held.body, 'first');
    const whole = await ask('streams-short/?do=goesOn&marker=m1');
    assert.deepEqual([whole.body, whole.whole], ['whole', true]);
    assert.ok(await isBusy('streams-short'), 'the handler went on');
  });

  test('a client that goes away does not stop the handler, as on Lambda', async () => {
    await ask('streams/?do=pipes&bytes=25000000', (_text, leave) => leave());
    await until(async () =>
      (await server.client.usageRecords({ functionName: 'streams', limit: 100 })).some(
        (r) => r.bytesOut === 25_000_000 && r.outcome === 'ok',
      ),
    );
  });

  test('a function that does not stream answers as on any URL', async () => {
    const { status, headers, body } = await ask('buffered/');
    assert.deepEqual([status, headers['x-own'], body], [201, 'yes', 'whole']);
  });

  test('a URL that is not for streaming gets a streamed answer whole, its prelude read all the same', async () => {
    const plain = await ask('streams-whole/?do=pieces');
    assert.deepEqual([plain.status, plain.body, plain.headers['content-length']], [200, '0\n1\n2\n', '6']);
    const { status, headers, body } = await ask('streams-whole/?do=prelude');
    assert.deepEqual([status, headers['content-type'], body], [418, 'text/plain', 'teapot']);
  });
});
