import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULTS } from '../config/defaults.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { createLogger } from '../observe/logger.ts';
import { keepBounded } from './retention.ts';

test('what is finished is removed as the configuration says, a part at a time while there is more, also after the database was away', async () => {
  const clock = new VirtualClock();
  const config = { ...DEFAULTS, home: '/nowhere', events: { ...DEFAULTS.events, keepMs: 3_600_000, keepCount: 7 } };
  const log = createLogger('silent');
  const sweeps: number[] = [];
  const answers: (number | Error)[] = [500, 20, 0, new Error('away'), 0];
  const sweep = async (keep: { ms: number; count: number }): Promise<number> => {
    assert.deepEqual(keep, { ms: 3_600_000, count: 7 });
    sweeps.push(clock.now());
    const answer = answers.shift() ?? 0;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const usageDays = { tidy: () => new Promise<boolean>(() => {}) };
  const stop = keepBounded({ config, clock, log }, { deliveries: { sweep }, usageDays });
  await clock.advance(240_300);
  const [start = 0] = sweeps;
  assert.deepEqual(
    sweeps.map((at) => at - start),
    [0, 100, 200, 60_200, 120_200, 180_200],
  );
  stop();
  await clock.advance(600_000);
  assert.equal(sweeps.length, 6);
});

test('usage is summed up a day after its day, and removed once it is older than it is kept; what hangs or fails holds up nothing else', async () => {
  const clock = new VirtualClock();
  const dayMs = 86_400_000;
  const today = Math.floor(clock.now() / dayMs);
  const log = createLogger('silent');
  for (const keepDays of [4, null]) {
    const config = { ...DEFAULTS, home: '/nowhere', metering: { ...DEFAULTS.metering, keepDays } };
    const asked: unknown[] = [];
    const answers: (boolean | Error)[] = [true, true, new Error('away'), false];
    const tidy = async (due: unknown): Promise<boolean> => {
      asked.push(due);
      const answer = answers.shift() ?? false;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const stop = keepBounded({ config, clock, log }, { deliveries: { sweep: () => new Promise(() => {}) }, usageDays: { tidy } });
    await clock.advance(60_200);
    assert.equal(asked.length, 3);
    await clock.advance(60_000);
    assert.equal(asked.length, 4);
    const due = { sumBeforeMs: (today - 1) * dayMs, removeBeforeMs: keepDays === null ? null : (today - 3) * dayMs };
    assert.deepEqual(asked, [due, due, due, due]);
    stop();
    await clock.advance(120_000);
    assert.equal(asked.length, 4);
  }
});
