import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdleTimes } from '../idle-times.ts';
import { fixed } from './fixed.ts';
import { greedyDual, leastRecentlyUsed, type Evictable } from './greedy-dual.ts';
import { histogram, HISTOGRAM } from './histogram.ts';
import { phaseOf } from './phase.ts';

const MINUTE = 60_000;
const MIB = 1024 * 1024;

function idleFor(...minutes: number[]) {
  const idleTimes = new IdleTimes(60);
  for (const m of minutes) idleTimes.add(m * MINUTE);
  return { functionName: 'f', idleTimes, instanceKeepMs: 10 * MINUTE, snapshotKeepMs: 60 * MINUTE };
}
const decide = (...minutes: number[]) => histogram(HISTOGRAM)(idleFor(...minutes), 0);

describe('fixed', () => {
  it('keeps a snapshot no shorter than its instances', () => {
    assert.deepEqual(fixed({ ...idleFor(), snapshotKeepMs: MINUTE }), {
      instancesMs: 10 * MINUTE,
      snapshotMs: 10 * MINUTE,
      awayMs: null,
      why: 'fixed',
    });
  });
});

describe('histogram', () => {
  it('is fixed while it learns, and says so', () => {
    const stay = decide(15, 15);
    assert.equal(stay.snapshotMs, 60 * MINUTE);
    assert.equal(stay.why, 'fixed, learning: 2 of 3 idle times');
  });

  it('goes, and is back at 0.9 of the 5th percentile until 1.1 of the 99th', () => {
    const stay = decide(15.2, 15.3, 15.4, 16.5);
    assert.equal(stay.awayMs, 15 * MINUTE * 0.9);
    assert.equal(stay.snapshotMs, 17 * MINUTE * 1.1);
    assert.equal(stay.why, 'histogram: p5 15 min, p99 17 min of 4 idle times');
    const phases = [0, 13.4, 13.6, 18.6, 18.8].map((minutes) => phaseOf(stay, minutes * MINUTE));
    assert.deepEqual(phases, ['away', 'away', 'back', 'back', 'over']);
  });

  it('stays when it would be away for less than is worth it', () => {
    const stay = decide(1.5, 1.5, 1.5, 20);
    assert.equal(stay.awayMs, null);
    assert.ok(Math.abs(stay.snapshotMs - 21 * MINUTE * 1.1) < 1);
    assert.equal(stay.instancesMs, 10 * MINUTE);
  });

  it('is fixed when most idle times are beyond the range, or all are equally likely', () => {
    assert.match(decide(5, 90, 90, 90).why, /^fixed, 75 % of idle times are longer than 60 min/);
    assert.match(decide(...Array.from({ length: 60 }, (_, m) => m)).why, /^fixed, idle times are too much alike/);
  });
});

const thing = (id: string, change: Partial<Evictable> = {}): Evictable => ({
  id,
  bytes: 10 * MIB,
  rebuildMs: 100,
  uses: 1,
  clockAtUse: 0,
  lastUsedMs: 0,
  ...change,
});

describe('eviction', () => {
  it('greedy-dual: the rarely used, the cheaply rebuilt and the large go first, and no more than it takes', () => {
    const often = thing('often', { uses: 50 });
    const costly = thing('costly', { rebuildMs: 9_000 });
    const large = thing('large', { bytes: 100 * MIB });
    const plain = thing('plain');
    assert.deepEqual(greedyDual([often, costly, large, plain], 105 * MIB, 0).ids, ['large', 'plain']);
    assert.deepEqual(greedyDual([often, costly, plain], 1, 0).ids, ['plain']);
    assert.deepEqual(greedyDual([], 1, 7), { ids: [], clock: 7 });
  });

  it('greedy-dual: what is not used ages, until what was precious once goes before the new', () => {
    const precious = thing('precious', { uses: 50 });
    let clock = 0;
    let evicted: string | undefined;
    for (let turn = 0; turn < 100 && evicted !== 'precious'; turn++) {
      const eviction = greedyDual([precious, thing(`new-${turn}`, { clockAtUse: clock, uses: 2 })], 1, clock);
      evicted = eviction.ids[0];
      assert.ok(eviction.clock >= clock);
      ({ clock } = eviction);
    }
    assert.equal(evicted, 'precious');
  });

  it('lru: the longest unused goes first, whatever it costs', () => {
    const things = [thing('new', { lastUsedMs: 9 }), thing('old', { lastUsedMs: 1, rebuildMs: 99_999 })];
    assert.deepEqual(leastRecentlyUsed(things, 1, 0), { ids: ['old'], clock: 0 });
  });
});
