import type { Clock } from './clock.ts';
import { holdOpen } from './hold-open.ts';

/** Resolves after `ms` on the given clock; unlike the clock's own timers, keeps the process alive until then. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  const hold = holdOpen();
  return new Promise((resolve) => {
    clock.after(ms, () => {
      hold.release();
      resolve();
    });
  });
}
