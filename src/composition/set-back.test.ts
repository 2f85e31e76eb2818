import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../test/silent-log.ts';
import type { Clock } from '../lib/clock.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { keepInTime } from './set-back.ts';

test('what waits is looked through at the start and when the clock was set back, until that has been done, and not else', async () => {
  const running = new VirtualClock(Date.UTC(2026, 10, 27));
  let aheadMs = 0;
  const clock: Clock = {
    now: () => running.now() + aheadMs,
    monotonic: () => running.monotonic(),
    after: (ms, fn) => running.after(ms, fn),
  };
  let looks = 0;
  let away = false;
  const straighten = async (): Promise<number> => {
    looks++;
    if (away) throw new Error('the database is away');
    return 1;
  };
  const stop = keepInTime({ clock, log: silent as never }, { straighten });
  await running.advance(60_000);
  assert.equal(looks, 1);
  aheadMs = 3_600_000;
  await running.advance(60_000);
  assert.equal(looks, 1, 'set forward, everything is due the sooner');
  away = true;
  aheadMs = 0;
  await running.advance(12_000);
  assert.equal(looks, 3);
  away = false;
  await running.advance(60_000);
  assert.equal(looks, 4);
  stop();
  aheadMs = -3_600_000;
  await running.advance(60_000);
  assert.equal(looks, 4);
});
