import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { exitWords } from '../../model/exit-words.ts';
import { initExited, initTimedOut } from './endings.ts';
import { ExitBoard } from './exit-board.ts';

describe('endings', () => {
  it('read as on Lambda', () => {
    assert.equal(exitWords({ code: 0, signal: null }), 'Runtime exited without providing a reason');
    assert.equal(exitWords({ code: 127, signal: null }), 'Runtime exited with error: exit status 127');
    assert.equal(exitWords({ code: null, signal: 'SIGKILL' }), 'Runtime exited with error: signal: killed');
    assert.equal(exitWords({ code: null, signal: 'SIGSEGV' }), 'Runtime exited with error: signal: segmentation fault');
    const at = { requestId: 'id', durationMs: 5 };
    assert.deepEqual(JSON.parse(initExited({ code: 1, signal: null }, at).body.toString()), {
      errorType: 'Runtime.ExitError',
      errorMessage: 'RequestId: id Error: Runtime exited with error: exit status 1',
    });
    assert.match(initTimedOut(10_000, at).body.toString(), /RequestId: id Error: Task timed out after 10\.00 seconds/);
  });
});

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
