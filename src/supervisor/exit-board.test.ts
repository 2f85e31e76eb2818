import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { ExitBoard } from './exit-board.ts';

describe('exit board', () => {
  const status = { code: 3, signal: null };

  it('brings reports and waiters together, whichever comes first', async () => {
    const board = new ExitBoard(new VirtualClock());
    const waiting = board.expect(10);
    board.report(10, status);
    assert.deepEqual(await waiting, status);
    board.report(11, status);
    assert.deepEqual(await board.expect(11), status);
  });

  it('does not take an old report for the end of a new process with the same pid', async () => {
    const clock = new VirtualClock();
    const board = new ExitBoard(clock);
    board.report(10, { code: 1, signal: null });
    await clock.advance(6_000);
    const waiting = board.expect(10);
    board.report(10, status);
    assert.deepEqual(await waiting, status);
  });

  it('keeps few reports that nobody asked for', async () => {
    const board = new ExitBoard(new VirtualClock());
    for (let pid = 1; pid <= 300; pid++) board.report(pid, status);
    let first = false;
    void board.expect(1).then(() => (first = true));
    assert.deepEqual(await board.expect(300), status);
    assert.equal(first, false);
  });
});
