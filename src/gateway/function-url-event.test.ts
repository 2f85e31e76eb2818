import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openGateway, type OpenedGateway } from './testing/open-gateway.ts';

describe('the event of a function URL', { timeout: 20_000 }, () => {
  let gateway: OpenedGateway;
  before(async () => (gateway = await openGateway({ handle: async ({ body }) => body.toString() })));
  after(() => gateway.close());

  interface UrlEvent {
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly isBase64Encoded: boolean;
    readonly requestContext: { readonly http: { readonly sourceIp: string } };
  }

  /** The event that a request makes. */
  async function eventOf(...lines: string[]): Promise<UrlEvent> {
    const { socket, text } = gateway.say([...lines, 'connection: close', '', ''].join('\r\n'));
    return eventIn(socket, text);
  }

  async function eventIn(socket: Socket, text: () => string): Promise<UrlEvent> {
    await once(socket, 'end');
    socket.destroy();
    return JSON.parse(text().slice(text().indexOf('\r\n\r\n'))) as UrlEvent;
  }

  const headersOf = async (...lines: string[]): Promise<Record<string, string>> => (await eventOf(...lines)).headers;

  /** How the body of a request comes in its event. */
  async function bodyOf(body: Buffer, ...lines: string[]): Promise<readonly [text: string | undefined, base64: boolean]> {
    const head = ['POST /fn/f/ HTTP/1.1', 'host: localhost', ...lines, `content-length: ${body.length}`, 'connection: close', '', ''];
    const { socket, text } = gateway.say(head.join('\r\n'));
    socket.write(body);
    const event = await eventIn(socket, text);
    return [event.body, event.isBase64Encoded];
  }

  it('tells the connection as it was seen, whatever the caller says of it', async () => {
    const plain = await headersOf('GET /fn/f/ HTTP/1.1', 'host: localhost');
    assert.equal(plain['x-forwarded-for'], '127.0.0.1');
    const port = String(gateway.port);
    assert.deepEqual([plain['x-forwarded-port'], plain['x-forwarded-proto']], [port, 'http']);
    const said = ['x-forwarded-for: 10.1.1.1', 'x-forwarded-for: 10.2.2.2', 'x-forwarded-port: none', 'x-forwarded-proto: gopher'];
    const told = await headersOf('GET /fn/f/ HTTP/1.1', 'host: localhost', ...said);
    assert.equal(told['x-forwarded-for'], '10.1.1.1,10.2.2.2, 127.0.0.1');
    assert.deepEqual([told['x-forwarded-port'], told['x-forwarded-proto']], [port, 'http']);
  });

  it('believes a proxy on this machine how it was asked', async () => {
    const told = await headersOf('GET /fn/f/ HTTP/1.1', 'host: localhost', 'x-forwarded-port: 443', 'x-forwarded-proto: https');
    assert.deepEqual([told['x-forwarded-port'], told['x-forwarded-proto']], ['443', 'https']);
  });

  it('has text for a body where that says the same, and base64 for one that is compressed or in another charset', async () => {
    const json = Buffer.from('{"ü":1}');
    assert.deepEqual(await bodyOf(json, 'content-type: application/json'), [json.toString('latin1'), false]);
    assert.deepEqual(await bodyOf(json, 'content-type: application/json', 'content-encoding: identity'), [json.toString('latin1'), false]);
    for (const body of [gzipSync(json), json])
      assert.deepEqual(await bodyOf(body, 'content-type: application/json', 'content-encoding: gzip'), [body.toString('base64'), true]);
    const latin1 = Buffer.from('caf\u00e9', 'latin1');
    assert.deepEqual(await bodyOf(latin1, 'content-type: text/plain; charset=iso-8859-1'), [latin1.toString('base64'), true]);
  });

  it('tells an address of IPv4 as such, also where the server listens on IPv6', async (t) => {
    const both = await openGateway({ handle: async ({ body }) => body.toString(), host: '::' }).catch(() => null);
    if (both === null) return t.skip('no IPv6 here');
    const { socket, text } = both.say('GET /fn/f/ HTTP/1.1\r\nhost: localhost\r\nx-forwarded-proto: https\r\nconnection: close\r\n\r\n');
    const { headers, requestContext } = await eventIn(socket, text);
    await both.close();
    assert.deepEqual([requestContext.http.sourceIp, headers['x-forwarded-for']], ['127.0.0.1', '127.0.0.1']);
    assert.equal(headers['x-forwarded-proto'], 'https', 'that is a proxy on this machine');
  });

  it('has one host: the one of a target in absolute form', async () => {
    const { host } = await headersOf('GET http://f.fn.localhost:8420/ HTTP/1.1', 'host: other.localhost');
    assert.equal(host, 'f.fn.localhost:8420');
  });
});
