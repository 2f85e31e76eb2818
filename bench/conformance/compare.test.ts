import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Comparison, localised } from './compare.ts';

test('volatile values match anything, placeholders the same value wherever they stand and no other', () => {
  const comparison = new Comparison({ 'python3.12': 'python3.11' });
  const recorded = { A: '<uuid:1>', B: 'x-<uuid:2>', C: 'date', D: '<code-size>', E: 'python3.12', F: { Sid: 's' } };
  assert.deepEqual(comparison.differences(recorded, { A: '1', B: 'x-2', C: 'now', D: 7, E: 'python3.11', F: '{"Sid":"s"}' }), []);
  assert.deepEqual(comparison.differences({ A: '<uuid:1>' }, { A: '1' }), []);
  assert.equal(comparison.differences({ A: '<uuid:1>' }, { A: '3' }).length, 1);
  assert.equal(comparison.differences({ A: '<uuid:3>' }, { A: '2' }).length, 1);
});

test('what differs is named, what is missing or too much as well', () => {
  const differences = new Comparison().differences({ a: 1, b: [1, 2], c: 'x', d: null }, { a: 2, b: [1], e: 5 });
  assert.deepEqual(differences, ['.a: 2 instead of 1', '.b: 1 items instead of 2', '.c: nothing instead of "x"', '.e: 5 was not recorded']);
});

test('recordings are put into terms of this server', () => {
  assert.deepEqual(localised({ a: 'arn:<partition>:lambda:<region>:111111111111:function:<a:len(3)>', b: '<x*2>' }, '000000000000'), {
    a: 'arn:aws:lambda:us-east-1:000000000000:function:aaa',
    b: 'xx',
  });
});
