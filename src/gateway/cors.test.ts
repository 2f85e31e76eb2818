import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import type { FunctionUrl } from '../model/function-version.ts';
import type { Invocation } from '../model/invocation.ts';
import { withCors } from './cors.ts';
import { PRELUDE_TYPE } from './prelude.ts';
import { openGateway } from './testing/open-gateway.ts';

const ORIGIN = 'https://a.example';
const cors = { allowOrigins: [ORIGIN], allowMethods: [], allowHeaders: [], exposeHeaders: [], allowCredentials: false, maxAgeSeconds: 0 };
const head = { statusCode: 200, headers: { Vary: 'Accept-Language', 'Access-Control-Allow-Origin': 'https://own.example' } };

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

  it('is not said twice', () => {
    const varies = (own: string | undefined) => withCors(own === undefined ? {} : { vary: own }, { vary: 'Origin' })['vary'];
    assert.equal(varies(undefined), 'Origin');
    assert.equal(varies('Accept ,origin'), 'Accept ,origin');
    assert.equal(varies('*'), '*');
    assert.equal(withCors({ vary: 'Accept' }, {})['vary'], 'Accept');
  });
});
