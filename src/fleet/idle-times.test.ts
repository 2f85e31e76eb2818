import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdleTimes } from './idle-times.ts';

const MINUTE = 60_000;

describe('IdleTimes', () => {
  it('counts by minute, and what is longer than the range apart', () => {
    const times = new IdleTimes(60);
    for (const minutes of [0, 0.99, 1, 59.9, 60, 600]) times.add(minutes * MINUTE);
    assert.deepEqual([times.samples, times.beyond], [6, 2]);
    assert.deepEqual(times.document().counts.slice(0, 3), [2, 1, 0]);
    assert.equal(times.document().counts[59], 1);
  });

  it('gives the bin of a quantile, from the lower edge to the upper', () => {
    const times = new IdleTimes(60);
    assert.equal(times.quantile(0.5), null);
    for (let i = 0; i < 99; i++) times.add(14.5 * MINUTE);
    times.add(2.5 * MINUTE);
    assert.deepEqual(times.quantile(0.05), { fromMs: 14 * MINUTE, toMs: 15 * MINUTE });
    assert.deepEqual(times.quantile(0.01), { fromMs: 2 * MINUTE, toMs: 3 * MINUTE });
    assert.deepEqual(times.quantile(1), { fromMs: 14 * MINUTE, toMs: 15 * MINUTE });
  });

  it('has a high variation when all are alike, none when they are everywhere', () => {
    const [alike, everywhere] = [new IdleTimes(60), new IdleTimes(60)];
    for (let minute = 0; minute < 60; minute++) {
      alike.add(5 * MINUTE);
      everywhere.add(minute * MINUTE);
    }
    assert.ok(Math.abs(alike.variation - Math.sqrt(59)) < 1e-9);
    assert.equal(everywhere.variation, 0);
  });

  it('forgets slowly: the newest outweigh the oldest, and no count grows without end', () => {
    const times = new IdleTimes(60);
    for (let i = 0; i < 100_000; i++) times.add(5 * MINUTE);
    for (let i = 0; i < 2_000; i++) times.add(20 * MINUTE);
    assert.ok(times.samples < 1_100);
    assert.deepEqual(times.quantile(0.5), { fromMs: 20 * MINUTE, toMs: 21 * MINUTE });
  });

  it('is the same after it was stored, also with another range', () => {
    const times = new IdleTimes(60);
    for (const minutes of [3, 3, 40, 100]) times.add(minutes * MINUTE);
    const again = new IdleTimes(60, times.document());
    assert.deepEqual(again.document(), times.document());
    assert.equal(again.variation, times.variation);
    const shorter = new IdleTimes(30, times.document());
    assert.deepEqual([shorter.samples, shorter.beyond], [4, 2]);
  });
});
