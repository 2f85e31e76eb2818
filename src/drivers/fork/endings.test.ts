import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { exitWords } from '../../model/exit-words.ts';
import { initExited, initTimedOut } from './endings.ts';
import { ExitBoard } from './exit-board.ts';
import type { ForkDriverOptions } from './options.ts';
import { ENDING_MS, Processes } from './processes.ts';

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

  it('lets go of an end that nobody reports', async () => {
    const clock = new VirtualClock();
    const processes = new Processes({
      clock,
      runDirectory: tmpdir(),
      greetingMs: 1_000,
    } as Partial<ForkDriverOptions> as ForkDriverOptions);
    const lost = processes.exits.expect(10);
    const ended = processes.endOf({ pid: 10, status: lost });
    await clock.advance(ENDING_MS);
    assert.equal(await ended, null);
    assert.equal(processes.exits.forget(10, lost), false, 'it is awaited still');
    const next = processes.exits.expect(10);
    assert.equal(processes.exits.forget(10, lost), false, "the end of another process with that pid is somebody else's to forget");
    processes.exits.report(10, status);
    assert.deepEqual(await processes.endOf({ pid: 10, status: next }), status);
  });
});
