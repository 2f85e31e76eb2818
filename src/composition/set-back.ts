import type { Timer } from '../lib/clock.ts';
import type { Ahead } from '../store/ahead.ts';
import type { Base } from './base.ts';

const LOOK_MS = 5_000;
/** NTP slews by less than a millisecond in a second: what is more was set. */
const SET_MS = 500;

/**
 * Has what waits in the database not wait for a time that a clock which ran ahead made of it: at the start, and whenever the clock on the wall was set back.
 * Returns the way to stop.
 */
export function keepInTime({ clock, log }: Pick<Base, 'clock' | 'log'>, ahead: Ahead): () => void {
  let timer: Timer | null = null;
  let stopped = false;
  let wanted = true;
  let offsetMs = clock.now() - clock.monotonic();
  const look = async (): Promise<void> => {
    const before = offsetMs;
    offsetMs = clock.now() - clock.monotonic();
    wanted ||= before - offsetMs > SET_MS;
    if (!wanted) return;
    try {
      const count = await ahead.straighten();
      wanted = false;
      if (count > 0) log.warn({ count }, 'the clock had run ahead: events and messages that waited for a time it made are due');
    } catch (err) {
      log.warn({ err }, 'what a clock that ran ahead made wait could not be looked for; tried again');
    }
  };
  const again = (): void => {
    void look().then(() => {
      if (!stopped) timer = clock.after(LOOK_MS, again);
    });
  };
  again();
  return () => {
    stopped = true;
    timer?.cancel();
  };
}
