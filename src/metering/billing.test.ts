import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULTS } from '../config/defaults.ts';
import { alwaysOnCost, billedMs, cost, gbSeconds } from './billing.ts';

test('billed time is rounded up to the millisecond, with the init phase that is billed', () => {
  const cases: [number, number, number][] = [
    [0, 0, 0],
    [0.001, 0, 1],
    [1, 0, 1],
    [1.2, 0, 2],
    [0.4, 0.4, 1],
    [100.5, 200.6, 302],
    [0.1 + 0.2, 0.7, 1], // 1.0000000000000002 in floating point
    [899_999.5, 0, 900_000],
    [Number.NaN, 5, 5],
    [-3, 0, 0],
    [Number.POSITIVE_INFINITY, 0, 0],
  ];
  for (const [duration, init, expected] of cases) assert.equal(billedMs(duration, init), expected, `${duration} + ${init}`);
});

test('GB-seconds are exact', () => {
  assert.equal(gbSeconds(1_000, 1_024), '1');
  assert.equal(gbSeconds(1, 128), '0.000125');
  assert.equal(gbSeconds(7, 129), '0.0008818359375');
  assert.equal(gbSeconds(0, 10_240), '0');
});

test("the price of AWS's own example, 3 million requests of 120 ms with 1,536 MB, without its free tier", () => {
  const seconds = gbSeconds(3_000_000 * 120, 1_536);
  assert.equal(seconds, '540000');
  assert.equal(cost({ gbSeconds: seconds, invocations: 3_000_000 }, DEFAULTS.metering), '9.600018');
});

test('a single millisecond has its price, and a million of them a million times that', () => {
  const one = cost({ gbSeconds: gbSeconds(1, 128), invocations: 1 }, DEFAULTS.metering);
  const million = cost({ gbSeconds: gbSeconds(1_000_000, 128), invocations: 1_000_000 }, DEFAULTS.metering);
  assert.deepEqual([one, million], ['0.0000002020833375', '0.2020833375']);
});

test('a machine kept on', () => {
  assert.equal(alwaysOnCost(3_600_000, '0.0416'), '0.0416');
  assert.equal(alwaysOnCost(30 * 24 * 3_600_000, '0.0416'), '29.952');
  assert.equal(alwaysOnCost(1, '0.0416'), '0.0000000116');
  assert.equal(alwaysOnCost(0, '0.0416'), '0');
});
