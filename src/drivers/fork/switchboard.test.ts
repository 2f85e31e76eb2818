import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { FRAME_HEADER_BYTES, encodeFrame, encodeJsonFrame, writeFrameHeader } from '../../runtimes/frames.ts';
import { Frame, MAX_FRAME_BYTES, PROTOCOL_VERSION } from '../../runtimes/protocol.ts';
import { LogStream } from './log-stream.ts';
import { Switchboard } from './switchboard.ts';

const MOST = 4;

const hello = (token: string, more: object = {}): Buffer =>
  encodeJsonFrame(Frame.hello, 0, {
    protocol: PROTOCOL_VERSION,
    token,
    pid: 1,
    runtime: 'test',
    capabilities: [],
    unconfined: [],
    ...more,
  });

describe('the switchboard', { timeout: 60_000 }, () => {
  let board: Switchboard;
  const lines: string[] = [];
  const log = (token: string): LogStream =>
    new LogStream({ token, sink: { line: (_id, text) => void lines.push(text) }, clock: systemClock, concurrency: 1 });
  const opened = async (path: string): Promise<Socket> => {
    const socket = connect(path).on('error', () => {});
    await once(socket, 'connect');
    return socket.resume();
  };
  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hearth-board-'));
    // Nobody is impatient here: what is shown out is shown out for another reason.
    board = new Switchboard(directory, { clock: systemClock, greetingMs: 3_600_000, mostStrangers: MOST });
    await board.open();
  });
  after(() => board.close());

  it('shows out who has been silent longest when more come than may wait, on either socket; ours gets in', async () => {
    for (const path of [board.socketPath, board.logPath]) {
      const silent: Socket[] = [];
      for (let i = 0; i < MOST; i++) silent.push(await opened(path));
      const [first, ...others] = silent;
      const shownOut = once(first!, 'close');
      const stream = log('ours');
      const expected = board.expect('ours', stream);
      const ours = await opened(path);
      await shownOut;
      assert.ok(others.every((socket) => !socket.closed));
      if (path === board.socketPath) {
        ours.write(hello('ours'));
        assert.equal((await expected.greeted).hello.token, 'ours');
      } else {
        ours.end('ours\na line\n');
        await stream.closed;
        assert.deepEqual(lines, ['a line']);
      }
      expected.cancel();
      for (const socket of [...others, ours]) socket.destroy();
    }
  });

  it('shows out who says more than a greeting has, before it has come; who is known may say as much as a frame holds', async () => {
    const endless = await opened(board.socketPath);
    const head = Buffer.alloc(FRAME_HEADER_BYTES);
    writeFrameHeader(head, 0, Frame.hello, { request: 0, bytes: 64 * 1024 });
    const shownOut = once(endless, 'close');
    endless.write(head);
    await shownOut;

    const { greeted } = board.expect('known', log('known'));
    const ours = await opened(board.socketPath);
    ours.write(hello('known', { unconfined: ['x'.repeat(8_000)] }));
    const { peer } = await greeted;
    const taken = new Promise<number>((resolve) => peer.handle((_type, _request, payload) => resolve(payload.length)));
    ours.write(encodeFrame(Frame.hello, 0, Buffer.alloc(MAX_FRAME_BYTES)));
    assert.equal(await taken, MAX_FRAME_BYTES);
  });

  it('refuses what is no greeting of a known process, and says so to whoever expects it; long texts are cut', async () => {
    const wrong: [object, RegExp][] = [
      [{ protocol: PROTOCOL_VERSION + 1 }, /version/],
      [{ unconfined: undefined }, /unconfined/],
      [{ unconfined: { length: 0 } }, /unconfined/],
      [{ unconfined: [1] }, /unconfined/],
      [{ unconfined: Array.from({ length: 33 }, String) }, /unconfined/],
      [{ capabilities: null }, /capabilities/],
      [{ pid: 'x' }, /pid/],
    ];
    for (const [more, why] of wrong) {
      const { greeted } = board.expect('wrong', log('wrong'));
      const socket = await opened(board.socketPath);
      const shownOut = once(socket, 'close');
      socket.write(hello('wrong', more));
      await assert.rejects(greeted, why);
      await shownOut;
    }
    const { greeted } = board.expect('long', log('long'));
    const socket = await opened(board.socketPath);
    socket.write(hello('long', { unconfined: ['x'.repeat(8_000)] }));
    assert.deepEqual((await greeted).hello.unconfined, ['x'.repeat(200)]);
    socket.destroy();
  });

  it('shows out who names no token in as many bytes as one has', async () => {
    const endless = await opened(board.logPath);
    const shownOut = once(endless, 'close');
    endless.write('x'.repeat(200));
    await shownOut;
  });
});
