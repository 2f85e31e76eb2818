import type { Config } from '../config/config.ts';
import type { Habits } from '../fleet/habits.ts';
import { greedyDual, leastRecentlyUsed } from '../fleet/policies/greedy-dual.ts';
import { policyOf, type ResidencyOptions } from '../fleet/residency.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../observe/logger.ts';
import type { HabitStore } from '../store/store.ts';

/** What the configuration says of what stays resident. */
export function residency({ fleet }: Pick<Config, 'fleet'>): Partial<ResidencyOptions> {
  return {
    policyOf: policyOf(fleet.keepAlive),
    eviction: fleet.eviction === 'lru' ? leastRecentlyUsed : greedyDual,
    rangeMinutes: fleet.histogramMinutes,
    capBytes: fleet.residentBytes,
    prewarmsPerMinute: fleet.prewarmsPerMinute,
    backgroundAtOnce: fleet.backgroundAtOnce,
  };
}

/** What a kill of the server may cost of what was learnt. */
const SAVE_MS = 60_000;

/** Takes up the habits that were stored, and stores what changes, every minute and at the end; resolves with the way to stop. */
export async function keepHabits(
  habits: Habits,
  store: HabitStore,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<() => Promise<void>> {
  habits.restore(await store.all());
  let timer: Timer | null = null;
  let stopped = false;
  const save = async (): Promise<void> => {
    const changes = habits.changes();
    try {
      await store.save(changes);
    } catch (err) {
      habits.unstored(changes);
      log.warn({ err }, 'how functions are used could not be stored; tried again in a minute');
    }
  };
  const next = (): void => {
    timer = clock.after(SAVE_MS, () => void turn());
  };
  const turn = async (): Promise<void> => {
    await save();
    if (!stopped) next();
  };
  next();
  return () => {
    stopped = true;
    timer?.cancel();
    return save();
  };
}
