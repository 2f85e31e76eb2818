import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { LoopbackServer } from './loopback-server.ts';

const uid = process.getuid?.() ?? 0;

describe('a server on the loopback', { timeout: 20_000, skip: process.platform !== 'linux' && 'asks Linux who connects' }, () => {
  const servers: LoopbackServer[] = [];
  after(() => Promise.all(servers.map((server) => server.close())));

  async function opened(owners: readonly number[] | null, most?: number) {
    const server = new LoopbackServer(async (_req, res) => void res.end('served'), most);
    servers.push(server);
    const [host, port] = (await server.listen()).split(':');
    const connected = async (): Promise<Socket> => {
      const socket = connect(Number(port), host).on('error', () => {});
      await once(socket, 'connect');
      return socket.resume();
    };
    return { connected, begin: () => server.serveOnly(owners) };
  }

  async function served(socket: Socket): Promise<boolean> {
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString()));
    socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    return text.endsWith('served\r\n0\r\n\r\n') || text.endsWith('served');
  }

  it('cuts off strangers who say nothing, as soon as it is known whom it serves', async () => {
    const { connected, begin } = await opened([uid + 1]);
    const early = await connected();
    begin();
    await once(early, 'close');
    await once(await connected(), 'close');
    assert.equal(await served(await connected()), false);
  });

  it('serves its owners, who may have asked before', async () => {
    const { connected, begin } = await opened([uid + 1, uid]);
    const early = served(await connected());
    begin();
    assert.deepEqual([await early, await served(await connected())], [true, true]);
  });

  it('has no more connections at once than it is to have', async () => {
    const { connected, begin } = await opened(null, 2);
    begin();
    const silent = [await connected(), await connected()];
    await once(await connected(), 'close');
    assert.deepEqual(await Promise.all(silent.map(served)), [true, true]);
  });
});
