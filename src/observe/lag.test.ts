import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../lib/clock.ts';
import { watchLag } from './lag.ts';

/** A clock whose timers come as late as told, one after the other; then on time. */
function lateClock(lateness: readonly number[]): Clock {
  let nowMs = 1_000;
  let fired = 0;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(ms, fn) {
      setImmediate(() => {
        nowMs += ms + (lateness[fired++] ?? 0);
        fn();
      });
      return { cancel: () => {} };
    },
  };
}

describe('watchLag', () => {
  it('finds nothing where timers are on time', async () => {
    assert.deepEqual(await watchLag(lateClock([]), 1_000), { overMs: 1_000, p50Ms: 0, p99Ms: 0, maxMs: 0 });
  });

  it('counts a stall for all that was due while it lasted', async () => {
    const lag = await watchLag(lateClock([500]), 1_000);
    assert.equal(lag.maxMs, 500);
    // Half of the time the loop stood still: the median caller waited next to nothing, every fiftieth most of it.
    assert.ok(lag.p99Ms >= 480, `p99 ${lag.p99Ms}`);
    assert.ok(lag.p50Ms <= 10, `p50 ${lag.p50Ms}`);
  });

  it('does not let one late timer among many be lost in the median', async () => {
    const lag = await watchLag(lateClock([0, 0, 0, 40]), 10_000);
    assert.deepEqual([lag.p50Ms, lag.maxMs], [0, 40]);
  });
});
