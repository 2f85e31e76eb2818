import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admit, type AdmissionObservation } from './admit.ts';

const quiet: AdmissionObservation = {
  availableBytes: 1_000,
  reserveBytes: 100,
  pendingBytes: 0,
  estimateBytes: 10,
  instances: 1,
  arriving: 0,
  maxInstances: 10,
  startsUnderWay: 0,
  kind: 'init',
  forksUnderWay: 0,
  shares: 0,
  forksAtOnce: 3,
  inits: 0,
  ownInits: 0,
  versionsInInit: 0,
  startsAtOnce: 4,
};
const verdict = (change: Partial<AdmissionObservation>): string => admit({ ...quiet, ...change });

test('memory and the most instances there may be make it full; alone, one always starts', () => {
  assert.equal(verdict({}), 'now');
  assert.equal(verdict({ instances: 10 }), 'full');
  assert.equal(verdict({ instances: 8, arriving: 2 }), 'full');
  assert.equal(verdict({ availableBytes: 109 }), 'full');
  assert.equal(verdict({ availableBytes: 500, pendingBytes: 391 }), 'full');
  assert.equal(verdict({ availableBytes: 0, instances: 0 }), 'now');
  assert.equal(verdict({ availableBytes: 0, instances: 0, startsUnderWay: 1 }), 'full');
});

test('forks wait for forks, those that share a snapshot being made for each other, init phases for init phases', () => {
  const busy = { forksUnderWay: 3, shares: 3, inits: 4, ownInits: 4, versionsInInit: 1 };
  assert.equal(verdict({ ...busy, kind: 'fork' }), 'later');
  assert.equal(verdict({ ...busy, kind: 'fork', forksUnderWay: 2 }), 'now');
  assert.equal(verdict({ ...busy, kind: 'share' }), 'later');
  assert.equal(verdict({ ...busy, kind: 'share', shares: 2 }), 'now');
  assert.equal(verdict({ ...busy, kind: 'init' }), 'later');
  assert.equal(verdict({ ...busy, kind: 'init', inits: 3, ownInits: 3 }), 'now');
});

test('the first init phase of a version waits for those of other versions, not for how many one of them has', () => {
  assert.equal(verdict({ inits: 4, versionsInInit: 1 }), 'now');
  assert.equal(verdict({ inits: 7, versionsInInit: 4 }), 'later');
  assert.equal(verdict({ inits: 4, versionsInInit: 2, ownInits: 1 }), 'later');
});
