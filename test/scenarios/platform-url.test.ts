import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { readAll } from '../../src/client/body.ts';
import { descendants } from './leavings.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { signedFetch } from './server-credentials.ts';

const MIB = 1024 * 1024;
const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;

let server: TestServer;

before(async () => {
  server = await TestServer.start();

  await server.deploy('tells-node', 'tells', { runtime: NODE, handler: 'index.handler', environment: { TEXT: 'hello' } });
  const python = (await languages()).find((l) => l.language === 'python' && l.skip === false);
  if (python !== undefined) await server.deploy('tells-python', 'tells', { runtime: python.runtime, handler: handlerOf('python') });
});

after(async () => {
  assert.deepEqual(await server.end(), []);
  assert.deepEqual(
    descendants(process.pid).filter((p) => p.state !== 'Z'),
    [],
  );
});

describe('function URLs', () => {
  before(() =>
    server.deploy('url-echo', 'url-echo', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 10, url: { auth: 'none' } }),
  );

  test('by path and by host, bytes both ways', async () => {
    const bytes = randomBytes(3 * MIB);
    const digest = createHash('sha256').update(bytes).digest('hex');
    for (const [path, host] of [
      ['/fn/url-echo/a%20b/c', undefined],
      ['/a%20b/c', 'url-echo.fn.localhost'],
    ] as const) {
      const answer = await raw(path, { host, body: bytes, type: 'image/jpeg' });
      assert.equal(answer.status, 201);
      assert.equal(answer.headers['content-type'], 'image/jpeg');
      assert.equal(answer.headers['x-path'], '/a%20b/c');
      assert.deepEqual(answer.headers['set-cookie'], ['a=1; Path=/', 'b=2']);
      assert.equal(createHash('sha256').update(answer.body).digest('hex'), digest);
    }
  });

  test('by host, whatever the case of its name', async () => {
    await server.deploy('Url-Echo-Too', 'url-echo', { runtime: NODE, handler: 'index.handler', url: { auth: 'none' } });
    for (const host of ['url-echo-too.fn.localhost', 'Url-Echo-Too.fn.localhost']) {
      const answer = await raw('/see', { host, body: Buffer.from('{}'), type: 'application/json' });
      assert.equal(answer.status, 200);
      assert.equal(
        (JSON.parse(answer.body.toString()) as { event: { requestContext: { apiId: string } } }).event.requestContext.apiId,
        'Url-Echo-Too',
      );
    }
  });

  test('the event is payload format 2.0', async () => {
    const answer = await raw('/fn/url-echo/see?a=1&a=2&b=%C3%A4', { body: Buffer.from('{"x":1}'), type: 'application/json' });
    const { event } = JSON.parse(answer.body.toString()) as { event: Record<string, unknown> & { requestContext: { http: unknown } } };
    assert.equal(event['version'], '2.0');
    assert.equal(event['rawPath'], '/see');
    assert.equal(event['rawQueryString'], 'a=1&a=2&b=%C3%A4');
    assert.deepEqual(event['queryStringParameters'], { a: '1,2', b: 'ä' });
    assert.equal(event['body'], '{"x":1}');
    assert.equal(event['isBase64Encoded'], false);
    assert.deepEqual(event.requestContext.http, {
      method: 'POST',
      path: '/see',
      protocol: 'HTTP/1.1',
      sourceIp: '127.0.0.1',
      userAgent: 'scenario',
    });
  });

  test('six megabytes are taken, one byte more is not, also when its length is not announced', async () => {
    const whole = await raw('/fn/url-echo/size', { body: Buffer.alloc(6 * MIB, 7) });
    assert.deepEqual(JSON.parse(whole.body.toString()), { bytes: 6 * MIB, isBase64Encoded: true });
    for (const chunked of [false, true]) {
      const over = await raw('/fn/url-echo/size', { body: Buffer.alloc(6 * MIB + 1, 7), chunked });
      assert.equal(over.status, 413);
    }
    const invoke = await raw('/2015-03-31/functions/url-echo/invocations', { body: Buffer.alloc(6 * MIB + 1, 32) });
    assert.equal(invoke.status, 413);
    assert.equal(invoke.headers['x-amzn-errortype'], 'RequestTooLargeException');
  });

  test('an error of the function is a 502 that gives nothing away', async () => {
    const answer = await raw('/fn/url-echo/throw', { body: Buffer.alloc(0) });
    assert.equal(answer.status, 502);
    assert.doesNotMatch(answer.body.toString(), /secret/);
    assert.equal((await raw('/fn/tells-node/', { body: Buffer.alloc(0) })).status, 403, 'a function without a URL');
    assert.equal((await raw('/fn/nobody/', { body: Buffer.alloc(0) })).status, 404);
  });

  test('a body that is not JSON is refused by Invoke as on Lambda', async () => {
    for (const name of ['url-echo', 'tells-python']) {
      const answer = await signedFetch(server, `/2015-03-31/functions/${name}/invocations`, { method: 'POST', body: '{nonsense' });
      if (answer.status === 404) continue; // no Python here
      assert.equal(answer.status, 400);
      assert.equal(answer.headers.get('x-amzn-errortype'), 'InvalidRequestContentException');
      assert.match(((await answer.json()) as { message: string }).message, /^Could not parse request body into json: /);
    }
  });
});

describe('custom runtimes', () => {
  test('a bootstrap that speaks the Runtime API', async () => {
    await server.deploy('custom', 'provided-shell', { runtime: 'provided.al2023', handler: 'none', timeoutSeconds: 10 });
    const answer = await server.call('custom', { from: 'shell' });
    assert.deepEqual(answer.value, { from: 'shell' });
    assert.match(answer.logTail ?? '', /^handling /m);
    assert.equal((await server.call('custom', { b: 2 })).coldRung, null);
    await server.client.remove('custom');
  });

  test('one that exits without a word, again and again', async () => {
    await server.deploy('custom-exits', 'provided-exits', { runtime: 'provided.al2023', handler: 'none' });
    for (let i = 0; i < 10; i++) {
      const answer = await server.call('custom-exits', {});
      const { errorType, errorMessage } = answer.value as { errorType: string; errorMessage: string };
      assert.equal(errorType, 'Runtime.ExitError');
      assert.equal(errorMessage, `RequestId: ${answer.requestId} Error: Runtime exited with error: exit status 3`);
    }
  });
});

interface Raw {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

/** A request as curl sends it. */
function raw(path: string, o: { body: Buffer; host?: string | undefined; type?: string; chunked?: boolean }): Promise<Raw> {
  const { hostname, port } = new URL(server.endpoint);
  const headers: Record<string, string> = { 'user-agent': 'scenario', 'content-type': o.type ?? 'application/octet-stream' };
  if (o.host !== undefined) headers['host'] = `${o.host}:${port}`;
  if (o.chunked === true) headers['transfer-encoding'] = 'chunked';
  else headers['content-length'] = String(o.body.length);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method: 'POST', headers, agent: false });
    let answered = false;
    outgoing.on('error', (error) => answered || reject(error));
    outgoing.on('response', (incoming) => {
      answered = true;
      readAll(incoming).then((body) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }), reject);
    });
    outgoing.end(o.body);
  });
}
