import assert from 'node:assert/strict';
import { test } from 'node:test';
import { billedTime, span } from './format.ts';

test('a length that something is reckoned by is told so that the reckoning can be followed', () => {
  const cases: [number, string][] = [
    [0, '0 ms'],
    [59_000, '59 s'],
    [90 * 60_000, '90 min'],
    [86_400_000, '24 h'],
    [86_400_487, '24 h'],
    [36.1 * 3_600_000, '36 h 6 min'],
    [2 * 86_400_000 - 1, '2 d'],
    [30.5 * 86_400_000, '30 d 12 h'],
    [119.6 * 60_000, '2 h'],
  ];
  for (const [ms, text] of cases) assert.equal(span(ms), text, String(ms));
});

test('billed time can be multiplied by the memory', () => {
  const cases = {
    0: '0 ms',
    12: '12 ms',
    1_234: '1.23 s',
    59_990: '60 s',
    96_400: '96.4 s',
    765_625: '765.6 s',
    8_640_000_049: '8640000 s',
  };
  for (const [ms, text] of Object.entries(cases)) assert.equal(billedTime(Number(ms)), text);
});
