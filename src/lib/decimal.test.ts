import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decimal } from './decimal.ts';

const d = (text: string): Decimal => Decimal.parse(text);

test('adds and multiplies exactly where doubles do not', () => {
  assert.equal(d('0.1').plus(d('0.2')).toString(), '0.3');
  assert.equal(d('0.0000166667').times(d('123456789.0000009765625')).toString(), '2057.61726522631627607421875');
  assert.equal(d('99999999999999999999').plus(d('0.00000000000001')).toString(), '99999999999999999999.00000000000001');
});

test('writes the shortest text', () => {
  for (const [given, expected] of [
    ['1.500', '1.5'],
    ['0.0', '0'],
    ['-0', '0'],
    ['-0.50', '-0.5'],
    ['007', '7'],
    ['100', '100'],
  ] as const) {
    assert.equal(d(given).toString(), expected);
  }
});

test('divides to the digits asked for, half away from zero', () => {
  assert.equal(d('1').dividedBy(d('3'), 4).toString(), '0.3333');
  assert.equal(d('2').dividedBy(d('3'), 4).toString(), '0.6667');
  assert.equal(d('-0.5').dividedBy(d('1'), 0).toString(), '-1');
  assert.equal(d('0.0416').dividedBy(d('0.02'), 2).toString(), '2.08');
  assert.throws(() => d('1').dividedBy(d('0.00'), 2), RangeError);
});

test('refuses what is not a decimal number', () => {
  for (const text of ['', '.5', '1.', '1e3', ' 1', '1,5', 'NaN', '--1', '0x10']) assert.throws(() => d(text), RangeError, text);
  assert.throws(() => Decimal.whole(0.5), RangeError);
  assert.throws(() => Decimal.whole(2 ** 53), RangeError);
});
