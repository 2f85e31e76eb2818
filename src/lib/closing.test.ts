import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Closing } from './closing.ts';

describe('closing', () => {
  it('releases in the opposite order, once, also after one has failed', async () => {
    const closing = new Closing();
    const released: number[] = [];
    for (const n of [1, 2, 3]) {
      closing.add(() => {
        released.push(n);
        if (n === 2) throw new Error('two');
      });
    }
    await assert.rejects(closing.close(), /two/);
    await assert.rejects(closing.close(), /two/);
    assert.deepEqual(released, [3, 2, 1]);
  });

  it('takes what was acquired as its signal aborted, and says that no more is wanted', async () => {
    const unwanted = new AbortController();
    const closing = new Closing(unwanted.signal);
    const released: number[] = [];
    closing.add(() => released.push(1));
    unwanted.abort(new Error('enough'));
    assert.throws(() => closing.add(() => released.push(2)), /enough/);
    await closing.close();
    assert.deepEqual(released, [2, 1]);
  });
});
