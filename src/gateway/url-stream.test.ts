import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type RequestOptions, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { cutPrelude, PRELUDE_TYPE } from './prelude.ts';
import { UrlStreamAnswer } from './url-stream.ts';

const MIB = 1 << 20;
const NULS = Buffer.alloc(8);

describe('the prelude of an answer', () => {
  const prelude = (value: unknown, rest = ''): Buffer => Buffer.concat([Buffer.from(JSON.stringify(value)), NULS, Buffer.from(rest)]);

  it('is taken off, whatever follows', () => {
    const cut = cutPrelude(prelude({ statusCode: 201, headers: { A: 'b', 'Content-Length': 3 }, cookies: ['c=1', 'd=\n'] }, 'rest'));
    assert.ok(cut !== null && cut !== 'more');
    assert.deepEqual(cut.head, {
      status: 201,
      headers: { 'content-type': 'application/octet-stream', a: 'b', 'set-cookie': ['c=1'] },
      length: 3,
    });
    assert.equal(cut.rest.toString(), 'rest');
  });

  it('is a 200 when it does not say', () => {
    const cut = cutPrelude(prelude({}));
    assert.ok(cut !== null && cut !== 'more');
    assert.equal(cut.head.status, 200);
  });

  it('is waited for until it is complete, or can be none', () => {
    const whole = prelude({ statusCode: 200 });
    for (let bytes = 0; bytes < whole.length; bytes++) assert.equal(cutPrelude(whole.subarray(0, bytes)), 'more');
    for (const none of [
      Buffer.alloc(70_000, 'x'),
      prelude([]),
      prelude('text'),
      prelude({ statusCode: 1000 }),
      Buffer.concat([Buffer.from('{'), NULS]),
    ])
      assert.equal(cutPrelude(none), null);
  });
});

describe('an answer that streams into a response', { timeout: 20_000 }, () => {
  let server: Server;
  let serve: (sink: UrlStreamAnswer) => void;
  before(async () => {
    server = createServer((_request, response) => {
      response.on('error', () => {});
      serve(new UrlStreamAnswer(response, { requestId: 'r', cors: { vary: 'Origin' }, limitBytes: 200 * MIB }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const address = () => ({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });

  async function ask(serving: (sink: UrlStreamAnswer) => void, options: RequestOptions = { agent: false }): Promise<IncomingMessage> {
    serve = serving;
    const outgoing = get({ ...address(), ...options });
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    incoming.on('error', () => {}); // 'close' follows
    return incoming;
  }
  async function read(incoming: IncomingMessage): Promise<number> {
    let bytes = 0;
    incoming.on('data', (piece: Buffer) => (bytes += piece.length));
    incoming.resume();
    await once(incoming, 'close');
    return bytes;
  }

  it('takes no more than the client reads, and goes on when it does', async () => {
    const piece = Buffer.alloc(256 * 1024, 'x');
    let under = 0;
    let most = 0;
    let stuck = (): void => {};
    const waits = new Promise<void>((resolve) => (stuck = resolve));
    const incoming = await ask((sink) => {
      sink.begin('text/plain');
      const next = (left: number): void => {
        if (left === 0) return sink.finish();
        let taken = false;
        most = Math.max(most, (under += piece.length));
        sink.write(piece, () => {
          taken = true;
          under -= piece.length;
          setImmediate(next, left - 1);
        });
        if (!taken) stuck();
      };
      next(160);
    });
    incoming.pause();
    await waits;
    assert.equal(most, piece.length, 'one piece after the other');
    assert.equal(await read(incoming), 160 * piece.length);
    assert.equal(incoming.complete, true);
  });

  it('takes all that comes after the client has left', async () => {
    let sink: UrlStreamAnswer | null = null;
    const incoming = await ask((made) => {
      sink = made;
      made.begin('text/plain');
      made.write(Buffer.alloc(8 * MIB), () => left());
    });
    let left = (): void => {};
    const taken = new Promise<void>((resolve) => (left = resolve));
    incoming.destroy();
    await taken;
    const more = await new Promise<boolean>((resolve) => sink!.write(Buffer.from('more'), () => resolve(true)));
    assert.deepEqual([more, sink!.bytes], [true, 8 * MIB + 4]);
    sink!.finish();
  });

  it('finds a prelude that comes in pieces', async () => {
    const text = `${JSON.stringify({ statusCode: 404, headers: { 'X-A': 'b' } })}${NULS.toString()}found nothing`;
    const incoming = await ask((sink) => {
      sink.begin(PRELUDE_TYPE);
      for (const byte of Buffer.from(text)) sink.write(Buffer.of(byte), () => {});
      sink.finish();
    });
    assert.deepEqual([incoming.statusCode, incoming.headers['x-a'], incoming.headers['vary']], [404, 'b', 'Origin']);
    assert.equal(await read(incoming), 'found nothing'.length);
  });

  it('is cut when it fails late, and a 502 when its prelude never came', async () => {
    const cut = await ask((sink) => {
      sink.begin('text/plain');
      sink.write(Buffer.from('half'), () => sink.fail(() => assert.fail('too late for another answer')));
    }).catch((error: unknown) => error); // headers may be lost with the connection
    if (cut instanceof Error) assert.equal((cut as NodeJS.ErrnoException).code, 'ECONNRESET');
    else {
      await read(cut as IncomingMessage);
      assert.equal((cut as IncomingMessage).complete, false);
    }
    const refused = await ask((sink) => {
      sink.begin(PRELUDE_TYPE);
      sink.write(Buffer.from('{"statusCode":'), () => sink.finish());
    });
    assert.equal(refused.statusCode, 502);
  });

  it('is there at once where it can have no body, and stays whole whatever comes of it', async () => {
    for (const [method, head] of [
      ['HEAD', null],
      ['HEAD', { statusCode: 200 }],
      ['GET', { statusCode: 204 }],
      ['GET', { statusCode: 304 }],
    ] as const) {
      let sink: UrlStreamAnswer | null = null;
      const agent = new Agent({ keepAlive: true });
      const answer = await ask(
        (made) => {
          sink = made;
          made.begin(head === null ? 'text/event-stream' : PRELUDE_TYPE);
          if (head !== null) made.write(Buffer.concat([Buffer.from(JSON.stringify(head)), NULS, Buffer.from('more')]), () => {});
          else made.write(Buffer.from('data: first\n\n'), () => {});
        },
        { method, agent },
      );
      assert.equal(answer.statusCode, head?.statusCode ?? 200);
      assert.equal(await read(answer), 0);
      assert.equal(answer.complete, true);
      await new Promise<void>((taken) => sink!.write(Buffer.alloc(8 * MIB), taken));
      sink!.fail(() => assert.fail('too late for another answer'));
      serve = (made) => {
        made.begin('text/plain');
        made.finish();
      };
      const [next] = (await once(get({ ...address(), agent }), 'response')) as [IncomingMessage];
      await read(next);
      assert.equal(next.complete, true, 'the connection is good for the next request');
      agent.destroy();
    }
  });
});
