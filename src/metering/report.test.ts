import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULTS } from '../config/defaults.ts';
import type { UsageTotals } from '../store/store.ts';
import { usageReport } from './report.ts';

const HOUR_MS = 3_600_000;
const a: UsageTotals = {
  functionName: 'a',
  invocations: 2,
  errors: 1,
  coldStarts: 1,
  billedMs: 3_000,
  gbSeconds: '0.1',
  bytesIn: 5,
  bytesOut: 6,
  firstAtMs: HOUR_MS,
  lastAtMs: 2 * HOUR_MS,
};
const b: UsageTotals = { ...a, functionName: 'b', invocations: 1, errors: 0, gbSeconds: '0.2', firstAtMs: 2 * HOUR_MS };

test('prices every function, the total, and a machine kept on for the window', () => {
  const report = usageReport([a, b], { fromMs: 0, toMs: 10 * HOUR_MS }, DEFAULTS.metering);
  assert.deepEqual(report, {
    from: 0,
    to: 10 * HOUR_MS,
    functions: [
      {
        functionName: 'a',
        invocations: 2,
        errors: 1,
        coldStarts: 1,
        billedMs: 3_000,
        gbSeconds: '0.1',
        bytesIn: 5,
        bytesOut: 6,
        cost: '0.00000206667',
      },
      {
        functionName: 'b',
        invocations: 1,
        errors: 0,
        coldStarts: 1,
        billedMs: 3_000,
        gbSeconds: '0.2',
        bytesIn: 5,
        bytesOut: 6,
        cost: '0.00000353334',
      },
    ],
    total: {
      invocations: 3,
      errors: 1,
      coldStarts: 2,
      billedMs: 6_000,
      gbSeconds: '0.3',
      bytesIn: 10,
      bytesOut: 12,
      cost: '0.00000560001',
    },
    alwaysOn: { hours: 10, costPerHour: '0.0416', cost: '0.416' },
    currency: 'USD',
  });
});

test('without a beginning it begins with the first invocation; without any, where it ends', () => {
  const window = { fromMs: null, toMs: 10 * HOUR_MS + 0.5 };
  assert.deepEqual(usageReport([b, a], window, DEFAULTS.metering).alwaysOn, { hours: 9, costPerHour: '0.0416', cost: '0.3744' });
  const empty = usageReport([], window, DEFAULTS.metering);
  assert.deepEqual([empty.from, empty.to, empty.total.cost, empty.alwaysOn.cost], [10 * HOUR_MS, 10 * HOUR_MS, '0', '0']);
});
