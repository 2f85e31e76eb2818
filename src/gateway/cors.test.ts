import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { HearthError } from '../errors.ts';
import type { FunctionUrl, UrlCors } from '../model/function-version.ts';
import type { Invocation } from '../model/invocation.ts';
import { withCors } from './cors.ts';
import { PRELUDE_TYPE } from './prelude.ts';
import { openGateway } from './testing/open-gateway.ts';

const ORIGIN = 'https://a.example';
const cors = { allowOrigins: [ORIGIN], allowMethods: [], allowHeaders: [], exposeHeaders: [], allowCredentials: false, maxAgeSeconds: 0 };
const head = { statusCode: 200, headers: { Vary: 'Accept-Language', 'Access-Control-Allow-Origin': 'https://own.example' } };

/** What a page of `origin` is answered by a URL with CORS. */
async function ask(
  { handle, ...more }: { handle: (invocation: Invocation) => Promise<string>; cors?: UrlCors; invokeMode?: 'BUFFERED' | 'RESPONSE_STREAM' },
  { origin = undefined as string | undefined, ...sent }: { origin?: string | undefined; method?: string; preflight?: boolean } = {},
): Promise<IncomingMessage> {
  const gateway = await openGateway({ handle, url: () => ({ auth: 'NONE', cors, ...more }) });
  try {
    const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a' };
    const headers = { ...(origin === undefined ? {} : { origin }), ...(sent.preflight === true ? preflight : {}) };
    const outgoing = request({ port: gateway.port, method: sent.method ?? 'GET', path: '/fn/f/', headers }).end();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    await answer.toArray();
    return answer;
  } finally {
    await gateway.close();
  }
}

describe('what a page is told', { timeout: 20_000 }, () => {
  it('tells it why it was refused', async () => {
    const refusal = new HearthError('TooManyRequestsException', 'Rate Exceeded.');
    const answer = await ask({ handle: () => Promise.reject(refusal) }, { origin: ORIGIN });
    assert.deepEqual([answer.statusCode, answer.headers['access-control-allow-origin']], [429, ORIGIN]);
  });

  it('leaves out names that can be none, which the API takes', async () => {
    const odd = { ...cors, exposeHeaders: ['x-b', '日', 'a b'], allowHeaders: ['x-a', '日'], allowMethods: ['PUT', 'ü\u0100'] };
    for (const invokeMode of ['BUFFERED', 'RESPONSE_STREAM'] as const) {
      const answer = await ask({ handle, cors: odd, invokeMode }, { origin: ORIGIN });
      assert.deepEqual([answer.statusCode, answer.headers['access-control-expose-headers']], [200, 'x-b']);
    }
    const { headers } = await ask({ handle, cors: odd }, { origin: ORIGIN, method: 'OPTIONS', preflight: true });
    assert.deepEqual([headers['access-control-allow-headers'], headers['access-control-allow-methods']], ['x-a', 'PUT']);
  });
});

/** Streams an answer with a prelude, where it may. */
async function handle({ sink }: Invocation): Promise<string> {
  if (sink === undefined) return JSON.stringify({ ...head, body: 'hola' });
  sink.begin(PRELUDE_TYPE);
  sink.write(Buffer.concat([Buffer.from(JSON.stringify(head)), Buffer.alloc(8), Buffer.from('hola')]), () => {});
  return '';
}

describe('what a function says its answer varies by', { timeout: 20_000 }, () => {
  for (const invokeMode of ['BUFFERED', 'RESPONSE_STREAM'] as const)
    it(`is kept beside CORS: ${invokeMode}`, async () => {
      const url: FunctionUrl = { auth: 'NONE', invokeMode, cors };
      const gateway = await openGateway({ handle, url: () => url });
      try {
        const sent = request({ port: gateway.port, path: '/fn/f/', headers: { origin: ORIGIN } }).end();
        const [answer] = (await once(sent, 'response')) as [IncomingMessage];
        assert.equal(Buffer.concat(await answer.toArray()).toString(), 'hola');
        assert.equal(answer.headers.vary, 'Accept-Language, Origin');
        assert.equal(answer.headers['access-control-allow-origin'], ORIGIN, 'the configuration goes first');
      } finally {
        await gateway.close();
      }
    });

  it('is told to a browser that asks before, which signs nothing, also where signatures are asked for', async () => {
    const gateway = await openGateway({ handle, url: () => ({ auth: 'AWS_IAM', cors }) });
    try {
      const headers = { origin: ORIGIN, 'access-control-request-method': 'POST' };
      const asking = request({ port: gateway.port, method: 'OPTIONS', path: '/fn/f/', headers }).end();
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      answer.resume();
      assert.deepEqual([answer.statusCode, answer.headers['access-control-allow-origin']], [200, ORIGIN]);
    } finally {
      await gateway.close();
    }
  });

  it('is its origin, also of what comes without one or with one that is not allowed', async () => {
    for (const origin of [undefined, 'https://other.example']) {
      const answer = await ask({ handle: async () => '{"statusCode":200,"headers":{"cache-control":"max-age=60"}}' }, { origin });
      assert.deepEqual([answer.headers.vary, answer.headers['access-control-allow-origin']], ['Origin', undefined]);
    }
  });

  it('is not said twice', () => {
    const varies = (own: string | undefined) => withCors(own === undefined ? {} : { vary: own }, { vary: 'Origin' })['vary'];
    assert.equal(varies(undefined), 'Origin');
    assert.equal(varies('Accept ,origin'), 'Accept ,origin');
    assert.equal(varies('*'), '*');
    assert.equal(withCors({ vary: 'Accept' }, {})['vary'], 'Accept');
  });
});
