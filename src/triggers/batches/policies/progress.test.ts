import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterAging, afterRun, wholeBatch, type Progress } from './progress.ts';

interface Ran {
  /** What the function was given, in order. */
  readonly calls: (readonly [from: number, to: number])[];
  readonly done: number[];
  readonly given: number[];
}

/** Runs a batch of which some records always fail, until nothing is open. `reports`: the function says which. */
function run(count: number, poison: readonly number[], contract: { bisects: boolean; retries: number | null; reports: boolean }): Ran {
  let progress: Progress = wholeBatch(count);
  const ran: Ran = { calls: [], done: [], given: [] };
  while (progress.open.length > 0) {
    const { from, to } = progress.open[0]!;
    ran.calls.push([from, to]);
    assert.ok(ran.calls.length < 1_000, 'it never ends');
    const bad = poison.find((n) => n >= from && n < to);
    const failedAt = bad === undefined ? null : contract.reports ? bad : from;
    for (let n = from; n < (failedAt ?? to); n++) ran.done.push(n);
    const step = afterRun(progress, failedAt, contract);
    for (let n = step.discarded?.from ?? 0; n < (step.discarded?.to ?? 0); n++) ran.given.push(n);
    progress = step.progress;
  }
  return ran;
}

const numbers = (count: number, ...without: number[]): number[] =>
  Array.from({ length: count }, (_, n) => n).filter((n) => !without.includes(n));

describe('what is left of a batch', () => {
  it('is nothing when all went well', () => {
    assert.deepEqual(run(10, [], { bisects: false, retries: 2, reports: false }), { calls: [[0, 10]], done: numbers(10), given: [] });
  });

  it('is all of it when the function fails as a whole, as often as it may be retried', () => {
    const { calls, given } = run(10, [4], { bisects: false, retries: 2, reports: false });
    assert.deepEqual(calls, [
      [0, 10],
      [0, 10],
      [0, 10],
    ]);
    assert.deepEqual(given, numbers(10));
  });

  it('begins at the lowest record that was reported, and the rest is given up together', () => {
    const { calls, done, given } = run(10, [4], { bisects: false, retries: 1, reports: true });
    assert.deepEqual(calls, [
      [0, 10],
      [4, 10],
    ]);
    assert.deepEqual(
      [done, given],
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7, 8, 9],
      ],
    );
  });

  it('comes down to the one record that fails when it is bisected, whose retries the halves do not cost', () => {
    for (const reports of [false, true]) {
      const { calls, done, given } = run(100, [37], { bisects: true, retries: 3, reports });
      assert.deepEqual([done, given], [numbers(100, 37), [37]]);
      assert.equal(calls.filter(([from, to]) => from === 37 && to === 38).length, 4, 'once, and three times again');
    }
  });

  it('keeps the order, whatever fails', () => {
    for (const poison of [[0], [9], [3, 4], numbers(10)]) {
      const { done, given } = run(10, poison, { bisects: true, retries: 0, reports: false });
      assert.deepEqual([done, given], [numbers(10, ...poison), poison]);
    }
  });

  it('waits longer each time the same fails, up to a minute, and never gives up without a bound', () => {
    let progress: Progress = wholeBatch(1);
    const delays = Array.from({ length: 9 }, () => {
      const step = afterRun(progress, 0, { bisects: true, retries: null });
      progress = step.progress;
      return step.delayMs;
    });
    assert.deepEqual(
      delays,
      [1, 2, 4, 8, 16, 32, 60, 60, 60].map((s) => s * 1_000),
    );
  });

  it('is without what is too old', () => {
    const aged = afterAging({ open: [{ from: 2, to: 5, tries: 7 }], given: [] }, 2);
    assert.deepEqual(aged.progress.open, [{ from: 4, to: 5, tries: 0 }]);
    assert.deepEqual(aged.discarded, { from: 2, to: 4, tries: 7 });
    assert.deepEqual(afterAging(aged.progress, 1).progress.open, []);
  });
});
