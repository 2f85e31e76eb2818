import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { it } from 'node:test';
import { peerUsers, userInTable } from './peer-user.ts';
import { openDiagnosis } from './socket-diagnosis.ts';

it('tells whose process is at the other end, over either family', { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ways = [userInTable, await openDiagnosis(), await peerUsers()];
  for (const host of ['127.0.0.1', '::ffff:127.0.0.1']) {
    const client = connect({ port, host });
    const [socket] = (await once(server, 'connection')) as [Socket];
    for (const userOf of ways) assert.equal(userOf(socket), process.getuid!(), host);
    client.destroy();
    await once(socket.resume(), 'close');
    for (const userOf of ways) assert.equal(userOf(socket), null, 'closed');
  }
  server.close();
});
