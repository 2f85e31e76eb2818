import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterEach, describe, it } from 'node:test';
import { HearthError } from '../errors.ts';
import { deferred } from '../lib/deferred.ts';
import type { FunctionUrl } from '../model/function-version.ts';
import type { InvokeDeps } from './invoke-deps.ts';
import { PRELUDE_TYPE } from './prelude.ts';
import { openGateway, type OpenedGateway } from './testing/open-gateway.ts';

const SIGNED = 'AWS4-HMAC-SHA256 Credential=AKIAX/20261128/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=00';

describe('a function URL while the body is held back', { timeout: 20_000 }, () => {
  let gateway: OpenedGateway;
  let url: FunctionUrl | null;
  let ran: number;
  afterEach(() => gateway.close());

  /** Sends half a body, changes the URL, sends the rest. */
  async function changed(to: FunctionUrl | null, headers: Record<string, string> = {}, authority?: InvokeDeps['authority']) {
    [url, ran] = [{ auth: 'NONE' }, 0];
    const looked = deferred<void>();
    gateway = await openGateway({
      handle: async () => `${++ran}`,
      url() {
        looked.resolve();
        return url;
      },
      deps: authority === undefined ? {} : { authority },
    });
    const sent = request({ port: gateway.port, method: 'POST', path: '/fn/f/', headers: { ...headers, 'content-length': '4' } });
    sent.write('ha');
    await looked.promise;
    url = to;
    sent.end('lf');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const text = Buffer.concat(await answer.toArray()).toString();
    return { status: answer.statusCode, headers: answer.headers, text };
  }

  it('runs nothing unsigned when signatures are asked for meanwhile', async () => {
    assert.equal((await changed({ auth: 'AWS_IAM' })).status, 403);
    assert.equal(ran, 0);
  });

  it('checks the signature that is asked for meanwhile', async () => {
    const refusing = {
      required: true,
      identify: () => Promise.reject(new HearthError('InvalidSignatureException', 'it does not match')),
    } as unknown as NonNullable<InvokeDeps['authority']>;
    assert.equal((await changed({ auth: 'AWS_IAM' }, { authorization: SIGNED }, refusing)).status, 403);
    assert.equal(ran, 0);
  });

  it('runs nothing when it is deleted meanwhile', async () => {
    assert.equal((await changed(null)).status, 403);
    assert.equal(ran, 0);
  });

  it('answers by the CORS that it has then', async () => {
    const none = { allowMethods: [], allowHeaders: [], exposeHeaders: [], allowCredentials: false, maxAgeSeconds: 0 };
    const { headers, text } = await changed(
      { auth: 'NONE', cors: { ...none, allowOrigins: ['https://a.example'] } },
      { origin: 'https://a.example' },
    );
    assert.equal(text, '1');
    assert.equal(headers['access-control-allow-origin'], 'https://a.example');
  });
});

describe('the length of an answer that is not sent', { timeout: 20_000 }, () => {
  /** What a handler returns, or streams after a prelude. */
  async function lengthOf(method: string, head: object, body = '', streams = false): Promise<string | undefined> {
    const gateway = await openGateway({
      async handle({ sink }) {
        if (sink === undefined) return JSON.stringify({ ...head, body });
        sink.begin(PRELUDE_TYPE);
        sink.write(Buffer.concat([Buffer.from(JSON.stringify(head)), Buffer.alloc(8), Buffer.from(body)]), () => {});
        sink.finish();
        return '';
      },
      url: () => ({ auth: 'NONE', invokeMode: streams ? 'RESPONSE_STREAM' : 'BUFFERED' }),
    });
    try {
      const sent = request({ port: gateway.port, method, path: '/fn/f/' }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      await answer.toArray();
      return answer.headers['content-length'];
    } finally {
      await gateway.close();
    }
  }

  it('is the one that GET would have been told, where the handler knows it', async () => {
    const told = { statusCode: 200, headers: { 'Content-Length': '1234' } };
    for (const streams of [false, true]) {
      assert.equal(await lengthOf('HEAD', told, '', streams), '1234');
      assert.equal(await lengthOf('HEAD', { statusCode: 200 }, '', streams), undefined);
      assert.equal(await lengthOf('HEAD', { statusCode: 200, headers: { 'content-length': '-1' } }, '', streams), undefined);
    }
    assert.equal(await lengthOf('HEAD', told, 'a body of its own'), '17');
    assert.equal(await lengthOf('GET', told), '0');
  });

  it('is not said of a status that has no body', async () => {
    for (const statusCode of [204, 304])
      for (const method of ['GET', 'HEAD'])
        for (const streams of [false, true])
          assert.equal(await lengthOf(method, { statusCode, headers: { 'content-length': '5' } }, '', streams), undefined, `${statusCode}`);
  });
});
