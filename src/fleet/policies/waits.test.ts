import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waits } from './waits.ts';

test('who uses less than a tenth of a processor waits; what is not known does not', () => {
  const cases: [number | null, number | null, boolean][] = [
    [0, 0, true],
    [500, 590, true],
    [500, 600, false],
    [0, 4_000, false],
    [null, 0, false],
    [0, null, false],
    [800, 30, false],
  ];
  for (const [beforeMs, afterMs, expected] of cases)
    assert.equal(waits({ beforeMs, afterMs, overMs: 1_000 }), expected, `${beforeMs} to ${afterMs}`);
});
