import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startsWanted, type QueueObservation } from './scale-out.ts';

const observe = (change: Partial<QueueObservation>): number =>
  startsWanted({ queued: 1, oldestWaitMs: 0, starting: 0, young: 0, concurrency: 1, runMs: null, startMs: null, ...change });

describe('startsWanted', () => {
  it('starts one for each that waits while nothing is known', () => {
    assert.equal(observe({ queued: 50 }), 50);
    assert.equal(observe({ queued: 50, young: 3 }), 50);
  });

  it('never starts more than wait, nor for those a start is under way for', () => {
    assert.equal(observe({ queued: 3, starting: 2 }), 1);
    assert.equal(observe({ queued: 3, starting: 5 }), 0);
    assert.equal(observe({ queued: 5, concurrency: 4 }), 2);
  });

  it('does not start what would be late: short runs free an instance sooner', () => {
    assert.equal(observe({ queued: 10, young: 32, runMs: 1, startMs: 5 }), 0);
  });

  it('starts at once when runs are long', () => {
    assert.equal(observe({ queued: 4, young: 2, runMs: 1_000, startMs: 5 }), 4);
    assert.equal(observe({ queued: 4, young: 2, runMs: 10, startMs: 10 }), 2);
  });

  it('trusts the rule no longer than a start takes', () => {
    assert.equal(observe({ queued: 2, young: 32, runMs: 1, startMs: 5, oldestWaitMs: 5 }), 2);
  });
});
