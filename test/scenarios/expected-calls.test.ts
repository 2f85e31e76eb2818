import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { signed } from '../../src/auth/sign.ts';
import { languages, handlerOf, TestServer } from './platform-server.ts';
import { ownKey } from './server-credentials.ts';

const EVENT = JSON.stringify({ text: 'x'.repeat(100_000) });
const PATH = '/2015-03-31/functions/late/invocations';

describe('a large call whose body is slow', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
    const { runtime } = (await languages())[0]!;
    const manifest = { runtime, handler: handlerOf('node'), snapshot: 'onFirstUse' };
    await server.deploy('late', 'behaviours/echo', manifest);
    await server.deploy('open', 'behaviours/echo', { ...manifest, url: { auth: 'none' } });
  });
  after(async () => {
    assert.deepEqual(await server.end(), []);
  });

  const instances = async (name = 'late'): Promise<number> => (await server.client.resident(name)).instances.length;

  /** Sends the head of a call, with what signs it, and half of its body. */
  async function half(path: string, headers: Record<string, string>): Promise<Socket> {
    const { hostname, port } = new URL(server.endpoint);
    const socket = connect(Number(port), hostname);
    const lines = Object.entries({ ...headers, 'content-length': String(EVENT.length) }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${EVENT.slice(0, 50_000)}`);
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  }

  async function rest(socket: Socket): Promise<string> {
    socket.write(EVENT.slice(50_000));
    let text = '';
    for await (const chunk of socket.setEncoding('latin1')) text += String(chunk);
    return text;
  }

  function signature(secret?: string): Record<string, string> {
    const { host } = new URL(server.endpoint);
    const key = ownKey(server.home);
    assert.ok(key !== null);
    const request = { method: 'POST', url: PATH, headers: { host, connection: 'close' }, payload: Buffer.from(EVENT) };
    return { ...request.headers, ...signed(request, { ...key, secret: secret ?? key.secret }, Date.now()) };
  }

  it('finds an instance that was started while it came, when its head is signed by who may call', async () => {
    const socket = await half(PATH, signature());
    while ((await instances()) === 0) await sleep(5);
    const reply = await rest(socket);
    assert.match(reply, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(reply, /x-hearth-cold-rung/i);
    assert.equal(await instances(), 1);
    await server.client.evict('late', 'disk');
  });

  it('starts nothing for who may not: where a wrong signature leads to nothing, the URL that anybody may call has its instance', async () => {
    const socket = await half(PATH, signature('another'));
    const witness = await half('/fn/open/', { host: new URL(server.endpoint).host, connection: 'close' });
    while ((await instances('open')) === 0) await sleep(5);
    assert.equal(await instances(), 0);
    assert.match(await rest(witness), /^HTTP\/1\.1 200 /);
    assert.match(await rest(socket), /^HTTP\/1\.1 403 /);
    assert.equal(await instances(), 0);
  });

  it('that is never sent leaves an instance that is idle, and nobody is billed', async () => {
    const before = (await server.client.usageRecords({ functionName: 'late', limit: 1000 })).length;
    const socket = await half(PATH, signature());
    while ((await instances()) === 0) await sleep(5);
    socket.destroy();
    while ((await server.client.resident('late')).instances.some((one) => one.state === 'busy')) await sleep(5);
    assert.equal((await server.client.usageRecords({ functionName: 'late', limit: 1000 })).length, before);
  });
});
