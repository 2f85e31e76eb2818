import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { signed, type ToSign } from '../../src/auth/sign.ts';
import { TestServer } from './platform-server.ts';
import { ownKey } from './server-credentials.ts';

const MIB = 1 << 20;
/** For what would never end without an answer. */
const WATCHED = { timeout: 60_000 };

let server: TestServer;

before(async () => {
  server = await TestServer.start();
});
after(async () => {
  assert.deepEqual(await server.end(), []);
});

/** The head of a request whose body is not signed; with its headers. */
function headersOf(service: NonNullable<ToSign['service']>, path: string, more: Record<string, string> = {}): Record<string, string> {
  const headers = { ...more, host: new URL(server.endpoint).host };
  return { ...headers, ...signed({ method: 'POST', url: path, headers, payload: null, service }, ownKey(server.home), Date.now()) };
}

/** What a client is told that listens once it has sent everything. */
async function sendThenListen(path: string, headers: Record<string, string>, bytes: number): Promise<string> {
  const { hostname, port } = new URL(server.endpoint);
  const socket = connect({ host: hostname, port: Number(port) });
  try {
    socket.pause();
    let heard = '';
    const answered = new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('end', resolve);
      socket.setEncoding('latin1').on('data', (more: string) => {
        heard += more;
        if (/\r\n\r\n[^]/.test(heard)) resolve();
      });
    });
    answered.catch(() => {}); // it may fail before anybody waits for it
    const send = (piece: string | Buffer): Promise<void> =>
      new Promise((resolve, reject) => void socket.write(piece, (error) => (error ? reject(error) : resolve())));
    const lines = Object.entries({ ...headers, 'content-length': bytes }).map(([name, value]) => `${name}: ${value}`);
    await send([`POST ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
    for (let sent = 0; sent < bytes; sent += MIB) await send(Buffer.alloc(MIB, ' '));
    socket.resume();
    await answered;
    return heard;
  } finally {
    socket.destroy();
  }
}

test('who sends a whole body before listening is told that it is refused, all the same', WATCHED, async () => {
  const bytes = 'application/octet-stream';
  const apis: readonly (readonly [service: NonNullable<ToSign['service']>, path: string, Record<string, string>, mib: number, RegExp])[] = [
    ['sqs', '/', { 'x-amz-target': 'AmazonSQS.SendMessage' }, 18, /^HTTP\/1\.1 400 [^]*BatchRequestTooLong/],
    ['events', '/', { 'x-amz-target': 'AWSEvents.PutEvents' }, 6, /^HTTP\/1\.1 400 [^]*A request may have 4194304 bytes/],
    ['scheduler', '/schedules/a', {}, 3, /^HTTP\/1\.1 400 [^]*A request may have 1048576 bytes/],
    ['s3', '/late?delete', { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }, 8, /^HTTP\/1\.1 400 [^]*<Code>EntityTooLarge</],
    ['lambda', '/hearth/v1/keys', { 'content-type': 'application/json' }, 16, /^HTTP\/1\.1 413 [^]*RequestTooLargeException/],
    ['lambda', '/2015-03-31/functions', { 'content-type': bytes }, 68, /^HTTP\/1\.1 413 [^]*RequestTooLargeException/i],
  ];
  for (const [service, path, more, mib, expected] of apis) {
    const heard = await sendThenListen(path, headersOf(service, path, more), mib * MIB).catch(
      (error: Error) => `${service}: ${error.message}`,
    );
    assert.match(heard, expected);
  }
});

test('what comes next from a client that was refused in the middle is answered', WATCHED, async ({ signal }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const path = '/late?delete';
  const headers = { ...headersOf('s3', path, { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }), 'content-length': String(8 * MIB) };
  const refused = request(server.endpoint + path, { method: 'POST', headers, agent, signal });
  refused.on('error', () => {}); // it was still sending
  refused.end(Buffer.alloc(8 * MIB, ' '));
  const [first] = (await once(refused, 'response')) as [IncomingMessage];
  assert.match(await text(first), /<Code>EntityTooLarge</);
  const next = request(`${server.endpoint}/healthz`, { agent, signal }).end();
  const [second] = (await once(next, 'response')) as [IncomingMessage];
  assert.equal(await text(second), '{"status":"ok"}');
  agent.destroy();
});
