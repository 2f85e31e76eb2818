import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import type { FunctionUrl } from '../model/function-version.ts';
import type { Invocation } from '../model/invocation.ts';
import { openGateway } from './testing/open-gateway.ts';
import { cutIfUnread, UNREAD_MS } from './unread.ts';

/** More than the kernel keeps for a connection. */
const LARGE = Buffer.alloc(32 << 20, 'x');
const GET = 'GET /fn/f/ HTTP/1.1\r\nhost: localhost\r\n\r\n';
const SOON_MS = 50;

describe('an answer that nobody reads', { timeout: 20_000 }, () => {
  let server: Server;
  let client: Socket;
  afterEach(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });

  /** Serves one connection; its end on the server's side, once that has been asked for something. */
  async function open(serve: (response: ServerResponse) => void, words: string): Promise<Socket> {
    server = createServer((_request, response) => serve(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    client.on('error', () => {}); // cut off
    client.write(words);
    return (await accepted)[0];
  }

  const large = (response: ServerResponse): void => {
    response.end(LARGE);
    cutIfUnread(response, SOON_MS);
  };

  it('is cut', async () => {
    const socket = await open(large, GET);
    await once(socket, 'close');
  });

  it('is cut, also when it had to wait for its turn', async () => {
    let responses = 0;
    const socket = await open((response) => {
      if (responses++ > 0) large(response);
      else setImmediate(() => setImmediate(() => response.end('first')));
    }, GET + GET);
    await once(socket, 'close');
    assert.equal(responses, 2);
  });

  it('leaves nothing behind once it has been read', async () => {
    let slow: ServerResponse | null = null;
    let responses = 0;
    const socket = await open((response) => {
      if (responses++ > 0) slow = response;
      else {
        response.end(LARGE);
        cutIfUnread(response, UNREAD_MS);
      }
    }, GET + GET);
    while (socket.timeout !== UNREAD_MS) await new Promise(setImmediate);
    let bytes = 0;
    client.on('data', (piece: Buffer) => (bytes += piece.length)).resume();
    while (bytes < LARGE.length || socket.timeout === UNREAD_MS) await new Promise(setImmediate);
    assert.equal(socket.timeout, 0, 'the next one may take its time');
    slow!.end('second');
  });
});

describe('what is left of an answer when its invocation has ended', { timeout: 20_000 }, () => {
  /** Streams, where it may. */
  async function handle({ sink }: Invocation): Promise<string> {
    if (sink === undefined) return JSON.stringify(LARGE.toString());
    sink.begin('text/plain');
    sink.write(LARGE, () => {});
    return '';
  }
  const invoke = (path: string): string => `POST /${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}`;
  for (const [by, words, url] of [
    ['a function URL', GET, { auth: 'NONE' }],
    ['a function URL that streams', GET, { auth: 'NONE', invokeMode: 'RESPONSE_STREAM' }],
    ['Invoke', invoke('2015-03-31/functions/f/invocations'), { auth: 'NONE' }],
    ['InvokeWithResponseStream', invoke('2021-11-15/functions/f/response-streaming-invocations'), { auth: 'NONE' }],
  ] as const satisfies readonly (readonly [string, string, FunctionUrl])[])
    it(`is not kept for ever: ${by}`, async () => {
      const gateway = await openGateway({ handle, url: () => url });
      const accepted = once(gateway.server, 'connection') as Promise<[Socket]>;
      const { socket } = gateway.say(words);
      socket.pause();
      const [served] = await accepted;
      while (served.timeout !== UNREAD_MS) await new Promise(setImmediate);
      await gateway.close();
      socket.destroy();
    });
});
