import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from './virtual-clock.ts';

describe('VirtualClock', () => {
  for (const turn of ['advance', 'replay'] as const) {
    it(`${turn}: timers fire in order of their time, then of their arming; the cancelled do not`, async () => {
      const clock = new VirtualClock();
      const fired: number[] = [];
      // A full period of a generator modulo a prime: every order of arming and cancelling that a heap could stumble over.
      const due = Array.from({ length: 500 }, (_, i) => (i * 263) % 503);
      const timers = due.map((ms, i) => clock.after(ms % 97, () => fired.push(i)));
      const cancelled = new Set(due.map((_, i) => i).filter((i) => i % 3 === 0));
      for (const i of cancelled) timers[i]?.cancel();
      await clock[turn](1_000);
      const expected = due
        .map((ms, i) => ({ i, at: ms % 97 }))
        .filter(({ i }) => !cancelled.has(i))
        .sort((a, b) => a.at - b.at || a.i - b.i);
      assert.deepEqual(
        fired,
        expected.map(({ i }) => i),
      );
      for (const timer of timers) timer.cancel();
      assert.equal(clock.now(), 1_000);
    });

    it(`${turn}: what promises set off has arrived before the next timer fires`, async () => {
      const clock = new VirtualClock();
      const seen: string[] = [];
      const wait = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
      const chain = async (): Promise<void> => {
        await wait(5);
        for (let i = 0; i < 50; i++) await Promise.resolve();
        seen.push('chain');
        await wait(0);
        seen.push('after');
      };
      const done = chain();
      clock.after(5, () => seen.push('next'));
      await clock[turn](5);
      await done;
      assert.deepEqual(seen, ['chain', 'next', 'after']);
    });
  }
});
