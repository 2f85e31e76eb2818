import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FRAME_HEADER_BYTES, encodeFrame } from '../../runtimes/frames.ts';
import { Frame } from '../../runtimes/protocol.ts';
import { Peer } from './peer.ts';

/** The two ends of a connection. */
async function connection(): Promise<{ readonly mine: Socket; readonly other: Socket; readonly close: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-peer-'));
  const server = createServer();
  const path = join(folder, 'socket');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const other = connect(path);
  const mine = await accepted;
  const close = (): void => {
    for (const end of [mine, other]) end.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  };
  return { mine, other, close };
}

const READ_BYTES = 64 * 1024;

describe('a process’s connection', { timeout: 30_000 }, () => {
  it('is read once in a turn of the event loop where it says very much in very small frames', async (t) => {
    const { mine, other, close } = await connection();
    t.after(close);
    const frames = 100_000;
    let taken = 0;
    let inTurn = 0;
    let most = 0;
    const all = new Promise<void>((resolve) => {
      const peer = new Peer(mine, () => {
        if (inTurn++ === 0) setImmediate(() => ([most, inTurn] = [Math.max(most, inTurn), 0]));
        if (++taken === frames) resolve();
      });
      assert.equal(peer.closed, false);
    });
    const one = encodeFrame(Frame.answer, 1, null);
    other.write(Buffer.concat(Array.from({ length: frames }, () => one)));
    await all;
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(most <= Math.ceil((2 * READ_BYTES) / FRAME_HEADER_BYTES), `${most} frames in one turn`);
  });

  it('hands on all that came before it closed, however it came', async (t) => {
    const { mine, other, close } = await connection();
    t.after(close);
    let taken = 0;
    const closed = new Promise<void>((resolve) => new Peer(mine, () => taken++).onClose(resolve));
    other.end(Buffer.concat(Array.from({ length: 20_000 }, () => encodeFrame(Frame.answer, 1, null))));
    await closed;
    assert.equal(taken, 20_000);
  });
});
