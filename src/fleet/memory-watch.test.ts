import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../lib/clock.ts';
import { MemoryWatch, type Watched } from './memory-watch.ts';

/** Time passes only as the test says, by looking at somebody too; a timer fires when the test says so. */
class LookClock implements Clock {
  ms = 0;
  due: (() => void) | null = null;
  now = (): number => this.ms;
  monotonic = (): number => this.ms;
  after(_ms: number, fn: () => void): { cancel: () => void } {
    this.due = fn;
    return { cancel: () => (this.due = null) };
  }
  fire(): void {
    const { due } = this;
    this.due = null;
    due?.();
  }
}

function watching(count: number, lookMs: number) {
  const clock = new LookClock();
  const watch = new MemoryWatch(clock);
  const looked: number[] = [];
  const killed: number[] = [];
  const hogs = new Set<number>();
  const all = Array.from({ length: count }, (_, id): Watched => {
    const exceedsMemory = (): boolean => {
      clock.ms += lookMs;
      looked.push(id);
      return hogs.has(id);
    };
    return { looks: 0, exceedsMemory, kill: () => Promise.resolve(killed.push(id)) };
  });
  for (const one of all) watch.add(one);
  clock.fire(); // what is done by the first time is never looked at
  const turn = (): number[] => {
    looked.length = 0;
    clock.fire();
    return [...looked];
  };
  return { clock, watch, all, hogs, killed, turn };
}

describe('the memory watch', () => {
  it('ends a turn once it has taken its time, and goes on there in the next: with the one after it where a look is long', () => {
    const { turn } = watching(4, 10);
    assert.deepEqual([turn(), turn(), turn(), turn()], [[0], [1], [2], [3]]);
    assert.deepEqual(turn(), []); // the round is over
    assert.deepEqual(turn(), [0]);
  });

  it('looks at dozens in a turn where looks are short', () => {
    const { turn } = watching(200, 0.03);
    const first = turn();
    assert.ok(first.length >= 40 && first.length <= 60, String(first.length));
    assert.equal(turn()[0], first.length);
  });

  it('ends who holds too much, once, and looks no more at who has left', () => {
    const { turn, hogs, killed, watch, all, clock } = watching(3, 0.01);
    hogs.add(1);
    assert.deepEqual([turn(), killed], [[0, 1, 2], [1]]);
    watch.remove(all[0]!);
    assert.deepEqual([turn(), killed], [[2], [1]]);
    watch.remove(all[2]!);
    clock.fire();
    assert.equal(clock.due, null);
  });
});
