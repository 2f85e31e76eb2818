import assert from 'node:assert/strict';
import { test } from 'node:test';
import { yieldTo } from './fair-share.ts';

const rival = (share: number, unmet = 1) => ({ share, unmet });

test('who has the least of the machine comes first, as long as the other has more to give', () => {
  const [none, one, two] = [rival(0), rival(1), rival(2)];
  assert.equal(yieldTo(4, [two, one, none]), none);
  assert.equal(yieldTo(4, [two, one]), one);
  assert.equal(yieldTo(3, [two]), null, 'it would be the other way round');
  assert.equal(yieldTo(2, [one]), null);
  assert.equal(yieldTo(1, [none]), none, 'one after the other');
  assert.equal(yieldTo(0, [none]), null);
  assert.equal(yieldTo(9, [rival(0, 0)]), null, 'it waits for nothing');
  assert.equal(yieldTo(9, [none, rival(0)]), none, 'the first to wait');
});
