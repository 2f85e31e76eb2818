import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aligned, fitting } from './columns.ts';

const ALL = {
  head: ['NAME', 'WHY', 'AGE', 'URL'],
  rows: [
    ['a', 'because it was so', '1 s', 'http://a/'],
    ['longer', '-', '2 s', '-'],
  ],
};

test('a table that fits keeps all of its columns', () => {
  assert.deepEqual(fitting(ALL, 6 + 2 + 17 + 2 + 3 + 2 + 9, ['WHY', 'AGE']), { ...ALL, left: [] });
});

test('of one that is too wide the spare columns go, in their order and no more than must', () => {
  const one = fitting(ALL, 40, ['WHY', 'AGE']);
  assert.deepEqual(one.head, ['NAME', 'AGE', 'URL']);
  assert.deepEqual(one.rows[0], ['a', '1 s', 'http://a/']);
  assert.deepEqual(one.left, ['WHY']);
  const both = fitting(ALL, 10, ['AGE', 'WHY']);
  assert.deepEqual(
    [both.head, both.left],
    [
      ['NAME', 'URL'],
      ['WHY', 'AGE'],
    ],
  );
});

test('columns lie below each other by what a terminal shows, and no line ends in blanks', () => {
  assert.deepEqual(
    aligned([
      ['NAME', 'SUBJECT', 'URL'],
      ['a', '漢字.jpg', '-'],
      ['longer', 'n\u0303', ''],
    ]),
    ['NAME    SUBJECT   URL', 'a       漢字.jpg  -', 'longer  n\u0303'],
  );
  assert.equal(fitting({ head: ['A', 'B'], rows: [['漢字', 'b']] }, 6, ['B']).left.length, 1);
  assert.equal(fitting({ head: ['A', 'B'], rows: [['漢字', 'b']] }, 7, ['B']).left.length, 0);
});
