import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { sendBody } from './send-body.ts';

const MIB = 1 << 20;
const head = (bytes: number): string => `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${bytes}\r\n\r\n`;

describe('an answer while the request is still being sent', { timeout: 20_000 }, () => {
  let server: Server;
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** A connection to a server that answers so, at its end on the server, and all that was said on it. */
  async function connected(serve: RequestListener): Promise<{ client: Socket; accepted: Socket; heard: () => string }> {
    server = createServer(serve).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connection = once(server, 'connection') as Promise<[Socket]>;
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let heard = '';
    client.setEncoding('latin1').on('data', (text: string) => (heard += text));
    client.on('error', () => {}); // cut off
    const [accepted] = await connection;
    return { client, accepted, heard: () => heard };
  }

  /** Gives a body up at its first piece. */
  const giveUp: RequestListener = (request, response) => {
    const pieces = request.iterator({ destroyOnReturn: false });
    void pieces
      .next()
      .then(() => pieces.return?.())
      .then(() => sendBody(response, 400, { headers: { 'x-of': 'ours' }, body: Buffer.from('no') }));
  };

  it('ends the connection once the rest of a body that was given up has come', async () => {
    const { client, heard } = await connected(giveUp);
    client.write(head(3 * MIB));
    client.write(Buffer.alloc(2 * MIB));
    while (!heard().endsWith('no')) await once(client, 'data');
    assert.match(heard(), /^HTTP\/1\.1 400 Bad Request\r\nx-of: ours\r\ncontent-length: 2\r\nconnection: close\r\n/i);
    assert.equal(client.readableEnded, false);
    client.write(Buffer.alloc(MIB));
    await once(client, 'end');
  });

  it('does not wait for who falls silent', async () => {
    const { client, accepted, heard } = await connected(giveUp);
    client.write(head(3 * MIB));
    client.write(Buffer.alloc(2 * MIB));
    while (!heard().endsWith('no')) await once(client, 'data');
    accepted.emit('timeout');
    await once(client, 'end');
  });

  it('leaves the connection open for who is answered before a byte was read', async () => {
    const { client, heard } = await connected((_request, response) => sendBody(response, 403, { headers: {}, body: Buffer.from('no') }));
    client.write(head(MIB));
    while (!heard().endsWith('no')) await once(client, 'data');
    client.write(Buffer.alloc(MIB));
    client.write(head(0));
    while (heard().split('HTTP/1.1 403').length < 3) await once(client, 'data');
    assert.doesNotMatch(heard(), /connection: close/i);
  });
});
