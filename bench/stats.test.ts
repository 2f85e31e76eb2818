import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { joined, mean, median, percentile, round, summarize } from './stats.ts';

const oneTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('percentile', () => {
  it('is the nearest rank', () => {
    assert.deepEqual(
      [5, 30, 40, 50, 100].map((p) => percentile([15, 20, 35, 40, 50], p)),
      [15, 20, 20, 35, 50],
    );
  });

  it('of 200 starts leaves two above the 99th, rounding errors aside', () => {
    assert.equal(percentile(oneTo(200), 99), 198);
    assert.equal(percentile(oneTo(1000), 99), 990);
    assert.equal(percentile(oneTo(100), 99), 99);
    assert.equal(percentile(oneTo(99), 99), 99);
  });

  it('of one value is that value', () => {
    for (const p of [0.001, 50, 99, 100]) assert.equal(percentile([7], p), 7);
  });

  it('refuses what has no answer', () => {
    assert.throws(() => percentile([], 50), RangeError);
    for (const p of [0, -1, 100.1, Number.NaN]) assert.throws(() => percentile([1], p), RangeError);
  });
});

describe('summarize', () => {
  it('sorts by number, not by text, and leaves the sample as it was', () => {
    const sample = [100, 9, 80, 7];
    assert.deepEqual(summarize(sample), { n: 4, min: 7, p50: 9, p90: 100, p99: 100, max: 100 });
    assert.deepEqual(sample, [100, 9, 80, 7]);
  });

  it('takes negative values: a handler may have been timed longer than its caller', () => {
    assert.equal(summarize([-0.2, 0.1, 0.3]).p50, 0.1);
  });

  it('refuses a sample that is empty or holds what is no number', () => {
    assert.throws(() => summarize([]), RangeError);
    assert.throws(() => summarize([1, Number.NaN]), RangeError);
  });
});

describe('median and mean', () => {
  it('take the middle, or halve the two middle ones', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([9, 1, 5, 6]), 5.5);
    assert.equal(mean([1, 2, 6]), 3);
    assert.throws(() => median([]), RangeError);
    assert.throws(() => mean([]), RangeError);
  });

  it('round to figures that JSON shows short', () => {
    assert.equal(round(1.23456), 1.235);
    assert.equal(round(1234.5, 0), 1235);
  });
});

it('rounds are joined into one sample, however many values they have', () => {
  assert.deepEqual(joined([]), new Float64Array());
  assert.deepEqual(joined([Float64Array.of(3, 1), Float64Array.of(), Float64Array.of(2)]), Float64Array.of(3, 1, 2));
  assert.equal(joined([new Float64Array(300_000), new Float64Array(300_000)]).length, 600_000);
});
