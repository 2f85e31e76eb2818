import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { afterEach, describe, it } from 'node:test';
import { deferred } from '../lib/deferred.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { openGateway, type OpenedGateway } from './testing/open-gateway.ts';

const INVOKE = '/2015-03-31/functions/f/invocations';
const call = (body: string, length = body.length): string =>
  `POST ${INVOKE} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n${body}`;
const MIB = 1 << 20;

describe('a connection on which what comes is no HTTP', { timeout: 20_000 }, () => {
  let gateway: OpenedGateway;
  afterEach(() => gateway.close());

  it('is answered what was asked for before, and ends', async () => {
    const began = deferred<void>();
    const goOn = deferred<void>();
    gateway = await openGateway({
      async handle() {
        began.resolve();
        await goOn.promise;
        return '"mine"';
      },
    });
    const { socket, text } = gateway.say(call('1'));
    await began.promise;
    const unreadable = once(gateway.server, 'clientError');
    socket.write('garbage\r\n\r\n');
    await unreadable;
    socket.write('and more of it\r\n\r\n');
    goOn.resolve();
    await once(socket, 'end');
    assert.match(text(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n"mine"$/);
    socket.destroy();
  });

  it('is not kept for who has hung up', async () => {
    const began = deferred<void>();
    const never = deferred<string>();
    gateway = await openGateway({
      handle() {
        began.resolve();
        return never.promise;
      },
    });
    const connected = once(gateway.server, 'connection') as Promise<[import('node:net').Socket]>;
    const { socket } = gateway.say(call('1'));
    const [accepted] = await connected;
    await began.promise;
    const closed = once(accepted, 'close');
    socket.end('garbage\r\n\r\n');
    await closed;
    socket.destroy();
  });

  it('is told so, also of a body that can’t be read, and is not kept for who does not hang up', async () => {
    const clock = new VirtualClock(0);
    gateway = await openGateway({ deps: { clock } });
    const chunked = `POST ${INVOKE} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nno length\r\n`;
    for (const words of ['garbage\r\n\r\n', chunked]) {
      const connected = once(gateway.server, 'connection') as Promise<[import('node:net').Socket]>;
      const { socket, text } = gateway.say(words);
      const [accepted] = await connected;
      await once(socket, 'end'); // our own end stays open
      assert.match(text(), /^HTTP\/1\.1 400 [^]*Unreadable HTTP/);
      const closed = once(accepted, 'close');
      await clock.advance(10_000);
      await closed;
      socket.destroy();
    }
  });

  it('is told when it is too much of a head', async () => {
    gateway = await openGateway();
    for (const words of [`GET /fn/f/?${'q'.repeat(20_000)} HTTP/1.1`, `GET /fn/f/ HTTP/1.1\r\ncookie: ${'c'.repeat(20_000)}`]) {
      const { socket, text } = gateway.say(`${words}\r\nhost: localhost\r\n\r\n`);
      await once(socket, 'end');
      assert.match(text(), /^HTTP\/1\.1 431 [^]*more than the 16384 bytes/);
      socket.destroy();
    }
  });

  it('may not be silent for ever', async () => {
    gateway = await openGateway();
    assert.equal(gateway.server.headersTimeout, 60_000);
    const connected = once(gateway.server, 'connection') as Promise<[import('node:net').Socket]>;
    const { socket, text } = gateway.say('POST / HTTP/1.1\r\nhos');
    const [accepted] = await connected;
    gateway.server.emit('clientError', Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), accepted);
    await once(socket, 'end');
    assert.match(text(), /^HTTP\/1\.1 408 /);
    socket.destroy();
  });
});

describe('a client that has lost its network', { timeout: 20_000 }, () => {
  /** What the kernel waits for on a connection: the column `tr` of proc(5), 2 for asking whether the other end is there. */
  const timerOf = (local: number, remote: number): string | undefined => {
    const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
    const line = readFileSync('/proc/net/tcp', 'utf8').match(new RegExp(`:${hex(local)} \\w+:${hex(remote)} 01 \\w+:\\w+ (\\w+):`));
    return line?.[1];
  };

  it('is found out in the midst of its body', { skip: process.platform !== 'linux' && 'only Linux tells of its timers' }, async () => {
    const gateway = await openGateway();
    const asked = once(gateway.server, 'request');
    const { socket } = gateway.say(call('{', 1000));
    try {
      await asked;
      assert.equal(timerOf(gateway.port, socket.localPort ?? 0), '02');
    } finally {
      socket.destroy();
      await gateway.close();
    }
  });
});

describe('a body that is too large', { timeout: 20_000 }, () => {
  let gateway: OpenedGateway;
  afterEach(() => gateway.close());

  it('does not cost the client its answer, while it is still sending', async () => {
    gateway = await openGateway();
    for (const headers of [{}, { 'content-length': 30 * MIB }]) {
      const sent = request({ port: gateway.port, method: 'POST', path: INVOKE, headers });
      const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
      sent.on('error', () => {}); // what it still sends after the answer
      let mib = 0;
      const more = (): void => {
        while (mib < 30)
          if (mib++ === 29) sent.end(Buffer.alloc(MIB, 32));
          else if (!sent.write(Buffer.alloc(MIB, 32))) return;
      };
      sent.on('drain', more);
      more();
      const [answer] = await answered;
      assert.equal(answer.statusCode, 413);
      assert.match(Buffer.concat(await answer.toArray()).toString(), /Request must be smaller than/);
    }
  });

  it('is not read without end', async () => {
    gateway = await openGateway();
    const { socket, text } = gateway.say(`POST ${INVOKE} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n`);
    const closed = new Promise((resolve) => socket.once('close', resolve)); // after an error, as a rule
    const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB, 32), Buffer.from('\r\n')]);
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
    await closed;
    assert.match(text(), /^HTTP\/1\.1 413 /);
  });
});
