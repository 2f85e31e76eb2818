import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../lib/clock.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { ChainHistory } from './chain-history.ts';

function world() {
  const clock = new VirtualClock();
  const history = new ChainHistory(clock);
  const startMs = clock.now();
  const at = (ms: number): string => history.lineageAt('i', startMs + ms);
  /** An invocation that takes ten milliseconds, in an instance of its own time. */
  const run = async (lineage: string): Promise<void> => {
    const ends = history.begin('i', lineage);
    await clock.advance(10);
    if (ends) history.end('i', lineage);
  };
  return { clock, history, at, run };
}

test('what an instance does belongs to the chain of what it runs, and after its answer to the last', async () => {
  const { at, run } = world();
  await run('');
  await run('a:3');
  await run('b:1');
  await run('');
  assert.deepEqual([5, 10, 15, 20, 29, 31, 99].map(at), ['', 'a:3', 'a:3', 'b:1', 'b:1', '', '']);
});

test('of two in one millisecond the later counts: a warm instance writes at once', async () => {
  const { at, run, history } = world();
  await run('a:16');
  history.begin('i', 'b:1');
  assert.equal(at(10), 'b:1');
});

test('of several at once the furthest counts', async () => {
  const { clock, history, at } = world();
  history.begin('i', 'a:2');
  await clock.advance(10);
  assert.equal(history.begin('i', ''), false);
  history.begin('i', 'b:9');
  history.begin('i', 'c:1');
  await clock.advance(10);
  history.end('i', 'b:9');
  await clock.advance(10);
  assert.deepEqual([5, 10, 15, 25].map(at), ['a:2', 'b:9', 'b:9', 'a:2']);
});

test('it is known of who has ended, and forgotten in the end; of who had none nothing is kept', async () => {
  const { history, at, run } = world();
  await run('a:1');
  history.ended('i');
  assert.equal(at(5), 'a:1');
  for (let n = 0; n < 2_000; n++) {
    history.begin(`other${n}`, 'x:1');
    history.ended(`other${n}`);
    history.begin(`none${n}`, '');
    history.ended(`none${n}`);
  }
  assert.equal(at(5), '');
});

test('of a busy instance the latest are known', async () => {
  const { history, at, run } = world();
  for (let n = 0; n < 1_200; n++) await run(`c${n}:1`);
  assert.deepEqual([at(5), at(11_995)], ['', 'c1199:1']);
  history.ended('i');
  assert.deepEqual([at(11_795), at(11_995)], ['', 'c1199:1']);
});

test('after the clock was set back, what an instance does belongs to what it runs', () => {
  let nowMs = 10_000_000;
  const clock: Clock = { now: () => nowMs, monotonic: () => 0, after: () => ({ cancel() {} }) };
  const history = new ChainHistory(clock);
  history.end('i', history.begin('i', 'a:1') ? 'a:1' : '');
  nowMs -= 3_600_000;
  history.begin('i', 'b:7');
  assert.equal(history.lineageAt('i', nowMs + 5), 'b:7');
  assert.equal(history.lineageAt('i', nowMs - 5), '');
});
