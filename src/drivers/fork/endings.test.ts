import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { exitWords } from '../../model/exit-words.ts';
import { initExited, initTimedOut } from '../endings.ts';
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

it('lets go of an end that nobody reports', async () => {
  const status = { code: 3, signal: null };
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

it('what functions say fills up no place that our own warnings have', () => {
  const warnings: string[] = [];
  const options = {
    clock: new VirtualClock(),
    runDirectory: tmpdir(),
    greetingMs: 1_000,
    warn: (message: string) => warnings.push(message),
  };
  const processes = new Processes(options as Partial<ForkDriverOptions> as ForkDriverOptions);
  for (let i = 0; i < 5_000; i++) processes.warnOfFunction(`broke the protocol: ${i}`);
  for (let i = 0; i < 2; i++) processes.warnOnce('ours');
  assert.deepEqual([warnings.length, warnings.at(-1)], [1_001, 'ours']);
});
