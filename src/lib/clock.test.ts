import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('a wait that is longer than Node.js can wait is not over at once, and can be cancelled', async () => {
  const over: number[] = [];
  const timers = [2 ** 31, 365 * 24 * 60 * 60_000, Infinity].map((ms) => systemClock.after(ms, () => over.push(ms)));
  await new Promise<void>((resolve) => {
    const held = setTimeout(() => {}, 60_000); // the clock's own keep no process alive
    systemClock.after(10, () => {
      clearTimeout(held);
      resolve();
    });
  });
  for (const timer of timers) timer.cancel();
  assert.deepEqual(over, []);
});
