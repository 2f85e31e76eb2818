import assert from 'node:assert/strict';
import { Agent, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Dispatcher } from '../../src/dispatch/dispatcher.ts';
import { SimulatedDriver } from '../../src/drivers/simulated/simulated-driver.ts';
import { HearthError } from '../../src/errors.ts';
import { LocalFleet } from '../../src/fleet/local-fleet.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { CallRates } from '../../src/gateway/call-rates.ts';
import { hostCheck } from '../../src/gateway/host-check.ts';
import { createGateway } from '../../src/gateway/server.ts';
import { UnderWay } from '../../src/gateway/under-way.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { randomIds } from '../../src/lib/ids.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import { createLogger, type Logger } from '../../src/observe/logger.ts';
import { QUICK, version } from './world.ts';

interface CallOptions {
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
  readonly agent?: Agent;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Functions whose handler is its own answer: the event's `answer` member, or a fixed one. */
const FUNCTIONS: Record<string, FunctionVersion> = {
  echo: version({ name: 'echo', revisionId: 'r-echo', url: { auth: 'NONE' } }),
  private: version({ name: 'private', revisionId: 'r-private' }),
};

describe('gateway', () => {
  let server: Server;
  let fleet: LocalFleet;
  let port = 0;
  const logged: unknown[] = [];
  const underWay = new UnderWay();
  let answer: (event: Buffer) => { body: Buffer; errorType?: string };

  before(async () => {
    const driver = new SimulatedDriver(systemClock, () => ({
      ...QUICK,
      initMs: 1,
      forkMs: 1,
      runtimeMs: 1,
      handler: (i) => ({ ms: 0, ...answer(i.body) }),
    }));
    fleet = new LocalFleet({
      clock: systemClock,
      ids: randomIds,
      memory: { totalBytes: 1e10, availableBytes: () => 1e10 },
      provision: {
        driver: () => driver,
        startSpec: async (v) => ({
          version: v,
          taskRoot: '/',
          dependencyRoot: null,
          environment: {},
          initTimeoutMs: 1_000,
          onDemand: true,
        }),
        log: () => ({ line: () => undefined }),
        printed: (log) => log,
      },
      limits: { reserveBytes: 0, instances: 10, startsAtOnce: 4, forksAtOnce: 4 },
      keep: { lingerMs: 50, keepAliveMs: 60_000, snapshotKeepMs: 60_000 },
    });
    for (const v of Object.values(FUNCTIONS)) fleet.serve(v);
    const dispatcher = new Dispatcher({
      worker: fleet,
      clock: systemClock,
      usage: { record: () => undefined },
      limits: { queueLength: 10, queueMs: 100 },
      billedMs: (d) => Math.ceil(d),
    });
    server = createGateway({
      intake: { accept: () => Promise.resolve() },
      eventBytes: 1024 * 1024,
      rates: new CallRates(DEFAULTS.limits, systemClock),
      chains: { ofFunctions: () => false, mayLoop: () => false },
      dispatcher,
      directory: {
        resolve: (name, qualifier) => ({
          version: FUNCTIONS[name] ?? raise(new HearthError('ResourceNotFoundException', `Function not found: ${name}`)),
          qualifier,
        }),
        url: (name) => {
          const version = FUNCTIONS[name];
          return version === undefined ? null : { version, qualifier: null, url: version.url };
        },
        requireReady: () => undefined,
      },
      clock: systemClock,
      ids: randomIds,
      payloadBytes: 1_000,
      streamBytes: 5_000,
      hosts: hostCheck([]),
      log: { ...createLogger('silent'), error: (fields: unknown) => void logged.push(fields) } as Logger,
      services: [],
      underWay,
      control: (_request, response) => response.writeHead(404).end(),
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });

  after(async () => {
    await fleet.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const call = (method: string, path: string, options: CallOptions = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(
        { port, host: '127.0.0.1', method, path, headers: options.headers ?? {}, agent: options.agent },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (c: Buffer) => chunks.push(c));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
        },
      );
      request.on('error', reject);
      request.end(options.body);
    });
  const echo = (event: Buffer) => ({ body: event });

  it('invokes with the bytes it was given, and answers with Lambda headers', async () => {
    answer = echo;
    const reply = await call('POST', '/2015-03-31/functions/echo/invocations', { body: '{"a": 1}' });
    assert.equal(reply.status, 200);
    assert.equal(reply.body.toString(), '{"a": 1}');
    assert.equal(reply.headers['x-amz-executed-version'], '$LATEST');
    assert.match(String(reply.headers['x-amzn-requestid']), /^[0-9a-f-]{36}$/);
    assert.equal(reply.headers['x-hearth-cold-rung'], 'disk');
  });

  it('serves a target in absolute form, as a proxy sends it, by its own host', async () => {
    answer = echo;
    const path = '/2015-03-31/functions/private/invocations';
    for (const host of ['127.0.0.1', `localhost:${port}`]) {
      const { status, body } = await call('POST', `http://${host}${path}?Qualifier=$LATEST`, { body: '[7]' });
      assert.deepEqual([status, body.toString()], [200, '[7]'], host);
    }
    assert.equal((await call('GET', 'http://127.0.0.1')).status, 404);
    assert.equal((await call('GET', 'HTTP://127.0.0.1?x=1')).status, 404);
    // What it names is what is looked at: not the header, which is our own.
    assert.equal((await call('POST', `http://evil.example${path}`, { body: '{}' })).status, 403);
    const byHost = await call('GET', `http://echo.fn.localhost:${port}/a?b=1`);
    assert.equal(byHost.status, 200);
    assert.match(byHost.body.toString(), /"rawPath":"\/a"/);
  });

  it('marks an error of the function, and returns its log tail when asked', async () => {
    answer = () => ({ body: Buffer.from('{"errorType":"Error"}'), errorType: 'Error' });
    const reply = await call('POST', '/2015-03-31/functions/echo/invocations', { headers: { 'x-amz-log-type': 'Tail' } });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['x-amz-function-error'], 'Unhandled');
    const tail = Buffer.from(String(reply.headers['x-amz-log-result']), 'base64').toString();
    assert.match(tail, /^START RequestId: \S+ Version: \$LATEST\nhandled\nEND RequestId: \S+\nREPORT RequestId: /);
  });

  it('answers DryRun without running, 404 with Lambda text, 413 beyond the limit, 400 for a type it does not know', async () => {
    answer = () => raise(new Error('must not run'));
    assert.equal(
      (await call('POST', '/2015-03-31/functions/echo/invocations', { headers: { 'x-amz-invocation-type': 'DryRun' } })).status,
      204,
    );
    const missing = await call('POST', '/2015-03-31/functions/nobody/invocations');
    assert.equal(missing.status, 404);
    assert.equal(missing.headers['x-amzn-errortype'], 'ResourceNotFoundException');
    const large = await call('POST', '/2015-03-31/functions/echo/invocations', { body: 'x'.repeat(1_001) });
    assert.equal(large.status, 413);
    assert.equal(large.headers['x-amzn-errortype'], 'RequestTooLargeException');
    assert.equal(
      (await call('POST', '/2015-03-31/functions/echo/invocations', { headers: { 'x-amz-invocation-type': 'Later' } })).status,
      400,
    );
    const picture = await call('POST', '/2015-03-31/functions/echo/invocations', { headers: { 'content-type': 'image/png' }, body: '1' });
    assert.deepEqual([picture.status, picture.headers['x-amzn-errortype']], [415, 'UnsupportedMediaTypeException']);
  });

  it('turns a request to a function URL into payload format 2.0, by path and by host', async () => {
    answer = echo;
    const headers = { 'content-type': 'image/png', cookie: 'a=1; b=2' };
    const byPath = await call('PUT', '/fn/echo/in/cup%20s?x=1&x=2', { headers, body: Buffer.from([0xff, 0x00]) });
    const event = JSON.parse(byPath.body.toString()) as Record<string, any>;
    assert.equal(event['version'], '2.0');
    assert.equal(event['rawPath'], '/in/cup%20s');
    assert.deepEqual(event['queryStringParameters'], { x: '1,2' });
    assert.deepEqual(event['cookies'], ['a=1', 'b=2']);
    assert.equal(event['isBase64Encoded'], true);
    assert.equal(event['body'], '/wA=');
    assert.equal(event['requestContext'].http.method, 'PUT');
    for (const [type, isText] of [
      ['application/json; charset=utf-8', true],
      ['text/csv', true],
      ['application/xml', true],
      ['application/x-www-form-urlencoded', false], // what curl calls everything
      ['application/vnd.api+json', false],
      ['', false],
    ] as const) {
      const headers = type === '' ? {} : { 'content-type': type };
      const posted = JSON.parse((await call('POST', '/fn/echo/', { headers, body: 'a=1' })).body.toString()) as Record<string, unknown>;
      assert.deepEqual([posted['body'], posted['isBase64Encoded']], isText ? ['a=1', false] : ['YT0x', true], type);
    }
    const byHost = await call('GET', '/deep?q', { headers: { host: 'echo.fn.localhost:8420' } });
    assert.equal(JSON.parse(byHost.body.toString()).rawPath, '/deep');
  });

  it('keeps a parameter, a header and a cookie that are called __proto__', async () => {
    answer = echo;
    const headers = { ['__proto__']: 'h', constructor: 'c', cookie: '__proto__=k' };
    const reply = await call('GET', '/fn/echo/?__proto__=1&constructor=2&__proto__=3&toString=4', { headers });
    const text = reply.body.toString();
    assert.match(text, /"queryStringParameters":\{"__proto__":"1,3","constructor":"2","toString":"4"\}/);
    assert.match(text, /"headers":\{"__proto__":"h","constructor":"c",/);
    assert.deepEqual((JSON.parse(text) as { cookies: string[] }).cookies, ['__proto__=k']);
  });

  it('refuses a CloudEvent whose attribute is called __proto__, as every other that CloudEvents does not allow', async () => {
    const event = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/a', 'ce-type': 't' };
    for (const name of ['ce-__proto__', 'ce-under_score']) {
      const reply = await call('POST', '/hearth/v1/cloudevents/echo', { headers: { ...event, [name]: 'x' } });
      assert.equal(reply.status, 400, reply.body.toString());
      assert.match(reply.body.toString(), /is no attribute/);
    }
  });

  it('answers what the handler says: status, headers, cookies, binary body', async () => {
    answer = () => ({
      body: Buffer.from(
        JSON.stringify({
          statusCode: 201,
          headers: { 'X-A': 'b', 'bad header': 'x', Connection: 'close' },
          cookies: ['c=1', 'd=2'],
          body: '/wA=',
          isBase64Encoded: true,
        }),
      ),
    });
    const reply = await call('GET', '/fn/echo/');
    assert.equal(reply.status, 201);
    assert.equal(reply.headers['x-a'], 'b');
    assert.deepEqual(reply.headers['set-cookie'], ['c=1', 'd=2']);
    assert.deepEqual([...reply.body], [0xff, 0x00]);
  });

  it('answers a value without statusCode as JSON, an invalid response and an error with 502', async () => {
    answer = () => ({ body: Buffer.from('{"hello":"you"}') });
    const plain = await call('GET', '/fn/echo');
    assert.equal(plain.status, 200);
    assert.equal(plain.headers['content-type'], 'application/json');
    answer = () => ({ body: Buffer.from('{"statusCode":9999}') });
    assert.equal((await call('GET', '/fn/echo')).status, 502);
    answer = () => ({ body: Buffer.from('{}'), errorType: 'Error' });
    assert.equal((await call('GET', '/fn/echo')).status, 502);
  });

  it('answers 204 without a length, and 502 for a status that would leave the caller waiting', { timeout: 20_000 }, async () => {
    answer = () => ({ body: Buffer.from(JSON.stringify({ statusCode: 204, body: 'none' })) });
    const empty = await call('GET', '/fn/echo');
    assert.deepEqual([empty.status, empty.headers['content-length'], empty.body.length], [204, undefined, 0]);
    answer = () => ({ body: Buffer.from(JSON.stringify({ statusCode: 103, body: 'early' })) });
    assert.equal((await call('GET', '/fn/echo')).status, 502);
  });

  it('takes a caller that leaves before its body is complete for no fault of its own', { timeout: 20_000 }, async () => {
    const before = logged.length;
    const left = new Promise<void>((resolve) => server.once('connection', (socket) => socket.once('close', () => resolve())));
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/fn/echo',
      agent: false,
      headers: { 'content-length': 10 },
    });
    request.on('error', () => undefined);
    request.write('abc', () => request.destroy());
    await left;
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(logged.slice(before), []);
  });

  it('refuses URLs of functions that have none, hosts that are not ours, and pages of other origins', async () => {
    assert.equal((await call('GET', '/fn/private/')).status, 403);
    assert.equal((await call('GET', '/fn/nobody/')).status, 404);
    assert.equal((await call('POST', '/2015-03-31/functions/echo/invocations', { headers: { host: 'evil.example' } })).status, 403);
    const foreign = { headers: { origin: 'http://evil.example' } };
    assert.equal((await call('POST', '/2015-03-31/functions/echo/invocations', foreign)).status, 403);
    answer = echo;
    assert.equal((await call('GET', '/fn/echo/', foreign)).status, 200);
  });

  it('begins nothing once it ends: answers what is under way and closes the connection, and refuses what comes on one that is open', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const path = '/2015-03-31/functions/echo/invocations';
    answer = echo;
    await call('POST', path, { agent });
    let ended = Promise.resolve();
    answer = (event) => {
      ended = underWay.end();
      return echo(event);
    };
    const last = await call('POST', path, { body: '1' });
    assert.deepEqual([last.status, last.headers.connection], [200, 'close']);
    await ended;
    const refused = await call('POST', path, { agent });
    assert.deepEqual([refused.status, refused.headers.connection, refused.headers['retry-after']], [503, 'close', '1']);
    assert.equal(refused.headers['x-amzn-errortype'], 'ServiceUnavailable');
    agent.destroy();
  });
});

function raise(error: Error): never {
  throw error;
}
