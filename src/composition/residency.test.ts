import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Habits } from '../fleet/habits.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import type { StoredHabit } from '../model/habit.ts';
import { createLogger } from '../observe/logger.ts';
import { keepHabits } from './residency.ts';

const MINUTE = 60_000;

/** A store that can be away. */
function aStore() {
  const saved: StoredHabit[][] = [];
  const store = {
    away: false,
    saved,
    all: async (): Promise<StoredHabit[]> => saved.at(-1) ?? [],
    async save(habits: readonly StoredHabit[]): Promise<void> {
      if (store.away) throw new Error('away');
      if (habits.length > 0) saved.push([...habits]);
    },
  };
  return store;
}

test('habits are stored every minute when they changed, again when that failed, and at the end', async () => {
  const clock = new VirtualClock(1_700_000_000_000);
  const store = aStore();
  const habits = new Habits(clock, 60);
  const stop = await keepHabits(habits, store, { clock, log: createLogger('silent') });
  const use = async (): Promise<void> => {
    habits.busy(habits.of('f'));
    await clock.advance(1_000);
    habits.rested(habits.of('f'));
  };
  await use();
  await clock.advance(2 * MINUTE);
  assert.equal(store.saved.length, 1, 'what did not change is not stored twice');
  store.away = true;
  await use();
  await clock.advance(2 * MINUTE);
  store.away = false;
  await clock.advance(MINUTE);
  assert.equal(store.saved.length, 2);
  assert.deepEqual(store.saved[1]?.[0]?.idleTimes, { counts: [0, 0, 1], beyond: 0 });
  await clock.advance(10 * MINUTE);
  await use();
  await stop();
  assert.equal(store.saved.length, 3);
  await clock.advance(10 * MINUTE);
  assert.equal(store.saved.length, 3);

  const later = new Habits(clock, 60);
  const end = await keepHabits(later, store, { clock, log: createLogger('silent') });
  assert.equal(later.of('f').idleTimes.samples, 2);
  assert.equal(later.of('f').idleSinceMs, clock.monotonic() - 10 * MINUTE);
  later.busy(later.of('f'));
  assert.equal(later.of('f').idleTimes.samples, 2, 'who knows who called while there was no server');
  await end();
});
