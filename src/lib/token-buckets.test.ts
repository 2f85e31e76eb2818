import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenBuckets } from './token-buckets.ts';
import { VirtualClock } from './virtual-clock.ts';

/** How many of `asked` are granted. */
function granted(buckets: TokenBuckets, asked: number, { key = 'k', perSecond = 10 } = {}): number {
  let got = 0;
  for (let i = 0; i < asked; i++) if (buckets.take(key, perSecond)) got++;
  return got;
}

describe('TokenBuckets', () => {
  it("grants a second's worth at once, then at the rate", async () => {
    const clock = new VirtualClock(0);
    const buckets = new TokenBuckets(clock);
    assert.equal(granted(buckets, 50), 10);
    await clock.advance(500);
    assert.equal(granted(buckets, 50), 5);
    await clock.advance(60_000);
    assert.equal(granted(buckets, 50), 10, 'no more than a second is saved up');
  });

  it('loses no part of a token, however often it is asked', async () => {
    const clock = new VirtualClock(0);
    const buckets = new TokenBuckets(clock);
    granted(buckets, 10);
    let got = 0;
    for (let ms = 0; ms < 1_000; ms += 10) {
      await clock.advance(10);
      got += granted(buckets, 1);
    }
    assert.ok(got === 10 || got === 9, `${got}`);
  });

  it('keeps keys apart, and grants one where the rate is below one', async () => {
    const clock = new VirtualClock(0);
    const buckets = new TokenBuckets(clock);
    assert.equal(granted(buckets, 20, { key: 'a' }), 10);
    assert.equal(granted(buckets, 20, { key: 'b', perSecond: 0.5 }), 1);
    await clock.advance(1_000);
    assert.equal(granted(buckets, 20, { key: 'b', perSecond: 0.5 }), 0);
    await clock.advance(1_000);
    assert.equal(granted(buckets, 20, { key: 'b', perSecond: 0.5 }), 1);
  });

  it('forgets none that is not full when it has many', () => {
    const buckets = new TokenBuckets(new VirtualClock(0));
    for (let i = 0; i < 3_000; i++) assert.equal(granted(buckets, 3, { key: `k${i}`, perSecond: 2 }), 2);
    for (let i = 0; i < 3_000; i++) assert.equal(granted(buckets, 1, { key: `k${i}`, perSecond: 2 }), 0);
  });
});
