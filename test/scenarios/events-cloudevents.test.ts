import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { CloudEvent, emitterFor, HTTP, Mode, type Message as CloudEventMessage } from 'cloudevents';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { signedFetch } from './server-credentials.ts';
import { until } from './until.ts';

const DOOR = '/hearth/v1/cloudevents/takes';

interface Message {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('CloudEvents over HTTP', () => {
  let server: TestServer;
  let diary: Diary;
  let runtime: string;
  before(async () => {
    server = await TestServer.start({ events: { payloadBytes: 100_000 } });
    diary = await Diary.open();
    const [node] = await languages();
    runtime = node?.runtime ?? '';
    await server.deploy('takes', 'triggers-diary', { runtime, handler: 'index.handler', environment: { DIARY: diary.url } });
  });
  after(async () => {
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const seen = (id: string) => until(() => diary.entries.map((e) => e.event).find((e) => e['id'] === id));
  const post = (headers: Record<string, string>, body: string | Buffer) => signedFetch(server, DOOR, { method: 'POST', headers, body });
  /** How the SDK sends: as `httpTransport` does, and signed. */
  const signing = ({ headers, body }: CloudEventMessage) => post(headers as Record<string, string>, body as string);
  const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
  const minimal = { specversion: '1.0', id: 'm', source: '/tests', type: 'test' };

  test('the project’s own SDK sends them, binary and structured', async () => {
    for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
      const event = new CloudEvent({
        id: `sdk-${mode}`,
        source: '/tests',
        type: 'test',
        subject: 'ü "x" 100%',
        ext1: 'e',
        data: { n: 4711 },
      });
      const emit = emitterFor(signing, { mode });
      await emit(event);
      const { data, subject, ext1, datacontenttype } = await seen(`sdk-${mode}`);
      assert.deepEqual([data, ext1], [{ n: 4711 }, 'e']);
      if (mode === Mode.BINARY) assert.match(String(datacontenttype), /^application.json/);
      if (mode === Mode.STRUCTURED) assert.equal(subject, 'ü "x" 100%'); // the SDK does not encode headers
    }
    const { events } = await server.client.events.list({ source: 'events', prefix: 'test/' });
    assert.equal(events.length, 2);
    assert.equal(events[0]?.sourceArn, '/tests');
  });

  test('binary: JSON stays as it came, text is text, the rest is base64, and headers are decoded', async () => {
    const attributes = (id: string) => ({
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/tests',
      'ce-type': 'test',
      'ce-subject': 'a%20%C3%BC%25',
    });
    const json = await post({ ...attributes('json'), 'content-type': 'application/json' }, '{"big": 12345678901234567890}');
    assert.equal(json.status, 202);
    assert.equal((await seen('json'))['subject'], 'a ü%');
    const [detail] = await server.client.events.show(json.headers.get('x-hearth-event-id') ?? '');
    assert.match(detail?.payload ?? '', /"data":\{"big": 12345678901234567890\}\}$/);
    await post({ ...attributes('text'), 'content-type': 'text/plain' }, 'héllo');
    assert.equal((await seen('text'))['data'], 'héllo');
    await post({ ...attributes('bytes'), 'content-type': 'image/png' }, Buffer.from([0, 255]));
    assert.equal((await seen('bytes'))['data_base64'], 'AP8=');
    const lies = await post({ ...attributes('lies'), 'content-type': 'application/json' }, '{');
    assert.deepEqual([lies.status, ((await lies.json()) as { attribute?: string }).attribute], [400, 'data']);
  });

  test('a bad one is refused, and the attribute named', async () => {
    const { id: _, ...without } = minimal;
    const answer = await post(structured, JSON.stringify(without));
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /id: is missing/);
    const binary = await post({ 'ce-specversion': '1.0', 'ce-id': 'x', 'ce-type': 't' }, '');
    assert.match(await binary.text(), /source: is missing/);
    assert.match(await (await post({ 'content-type': 'application/json' }, '{}')).text(), /specversion: is missing/);
    assert.equal((await post({ 'content-type': 'application/cloudevents+avro' }, 'x')).status, 415);
    assert.equal((await post(structured, '{')).status, 400);
    assert.equal((await post(structured, JSON.stringify({ ...minimal, data: 'x'.repeat(100_001) }))).status, 413);
    assert.equal(
      (await signedFetch(server, '/hearth/v1/cloudevents/nobody', { method: 'POST', headers: structured, body: '{}' })).status,
      404,
    );
    assert.equal((await signedFetch(server, DOOR)).status, 405);
  });

  test('a batch is taken whole or not at all; the same source and id are one event', async () => {
    const batch = { 'content-type': 'application/cloudevents-batch+json' };
    const of = (id: string) => ({ ...minimal, id, source: '/batch', type: 'batch' });
    const refused = await post(batch, JSON.stringify([of('1'), { ...of('2'), time: 'noon' }]));
    assert.match(await refused.text(), /\[1\]\.time: /);
    assert.deepEqual((await server.client.events.list({ prefix: 'batch/' })).events, []);
    for (let i = 0; i < 2; i++) assert.equal((await post(batch, JSON.stringify([of('1'), of('2'), of('1')]))).status, 202);
    assert.equal((await server.client.events.list({ prefix: 'batch/' })).events.length, 2);
    assert.equal((await post(batch, '[]')).status, 202);
  });

  test('who asks first, as webhooks do, may send', async () => {
    const answer = await fetch(server.endpoint + DOOR, {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': 'eventemitter.example.com' },
    });
    assert.deepEqual([answer.status, answer.headers.get('webhook-allowed-origin')], [200, 'eventemitter.example.com']);
  });

  test('outcomes are posted as CloudEvents when asked, which the SDK reads; what comes back to the function is the same chain', async () => {
    const messages: Message[] = [];
    const listener = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        messages.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const http = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`;
    try {
      for (const cloudEvents of ['structured', 'binary']) {
        const async = { retries: 0, onFailure: { http, cloudEvents } };
        await server.deploy('fails', 'events-diary', { runtime, handler: handlerOf('node'), async });
        await server.client.invoke({ functionName: 'fails', payload: Buffer.from('{"n":1,"fail":"ü"}'), invocationType: 'Event' });
        const message = await until(() => messages.shift());
        const event = HTTP.toEvent<{ requestPayload: object }>(message) as CloudEvent<{ requestPayload: object }>;
        assert.deepEqual([event.type, event.source], ['hearth.invocation.failed', 'arn:aws:lambda:us-east-1:000000000000:function:fails']);
        assert.equal(event.id, message.headers['x-hearth-event-id']);
        assert.deepEqual(event.data?.requestPayload, { n: 1, fail: 'ü' });
        assert.match(String(event['hearthlineage']), /^[0-9a-f]{8}:1$/);
        assert.equal(message.headers['content-type']?.startsWith('application/cloudevents+json'), cloudEvents === 'structured');
      }
    } finally {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    }
    // A destination that is a function's own door here.
    await server.deploy('circle', 'triggers-diary', {
      runtime,
      handler: 'index.handler',
      environment: { DIARY: diary.url },
      async: { onSuccess: { http: `${server.endpoint}/hearth/v1/cloudevents/circle`, cloudEvents: 'structured' } },
    });
    await server.client.invoke({ functionName: 'circle', payload: Buffer.from('{}'), invocationType: 'Event' });
    const stopped = await until(async () => (await server.client.events.list({ functionName: 'circle', state: 'failed' })).events[0]);
    assert.equal(stopped.reason, 'LoopStopped');
    await assert.rejects(
      server.deploy('fails', 'events-diary', {
        runtime,
        handler: handlerOf('node'),
        async: { onFailure: { queue: 'q', cloudEvents: 'binary' } },
      }),
      /cloudEvents: only http has it/,
    );
  });
});
