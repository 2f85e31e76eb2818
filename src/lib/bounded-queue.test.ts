import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedQueue } from './bounded-queue.ts';

test('keeps the newest, in order, over any number of pushes and drops', () => {
  const queue = new BoundedQueue<number>(100);
  const model: number[] = [];
  for (let i = 0; i < 5_000; i++) {
    const full = model.length === 100;
    model.push(i);
    if (full) model.shift();
    assert.equal(queue.push(i), full);
    if (i % 7 === 0) {
      const count = (i * 31) % 90;
      assert.deepEqual(queue.peek(count), model.slice(0, count));
      queue.drop(count);
      model.splice(0, count);
    }
    assert.equal(queue.length, model.length);
  }
  queue.drop(1_000);
  assert.equal(queue.length, 0);
  assert.deepEqual(queue.peek(10), []);
});
