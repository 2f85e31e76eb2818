import assert from 'node:assert/strict';
import { test } from 'node:test';
import { YoungRuns } from './young-runs.ts';

test('counts those that run and were begun of late, and no others', () => {
  const young = new YoungRuns();
  for (let i = 0; i < 5; i++) young.begun(1_000 + i);
  assert.equal(young.count(1_010), 5);
  young.ended(1_020, 15);
  assert.equal(young.count(1_150), 4, 'in the span after theirs they count');
  young.begun(1_150);
  young.ended(1_160, 150);
  assert.equal(young.count(1_160), 4);
  assert.equal(young.count(1_200), 1, 'and in the next no more');
  young.ended(1_210, 205);
  assert.equal(young.count(1_210), 1, 'an old one that ends is none of the young');
  assert.equal(young.count(5_000), 0);
  young.ended(5_010, 1);
  assert.equal(young.count(5_010), 0, 'never below none');
});
