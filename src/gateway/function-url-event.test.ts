import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { openGateway, type OpenedGateway } from './testing/open-gateway.ts';

describe('the event of a function URL', { timeout: 20_000 }, () => {
  let gateway: OpenedGateway;
  before(async () => (gateway = await openGateway({ handle: async ({ body }) => body.toString() })));
  after(() => gateway.close());

  /** The headers of the event that a request makes. */
  async function headersOf(...lines: string[]): Promise<Record<string, string>> {
    const { socket, text } = gateway.say([...lines, 'connection: close', '', ''].join('\r\n'));
    await once(socket, 'end');
    socket.destroy();
    const event = JSON.parse(text().slice(text().indexOf('\r\n\r\n'))) as { headers: Record<string, string> };
    return event.headers;
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

  it('has one host: the one of a target in absolute form', async () => {
    const { host } = await headersOf('GET http://f.fn.localhost:8420/ HTTP/1.1', 'host: other.localhost');
    assert.equal(host, 'f.fn.localhost:8420');
  });
});
