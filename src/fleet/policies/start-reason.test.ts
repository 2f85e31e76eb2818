import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aVersion } from '../../model/testing/a-version.ts';
import { startReason, type StartObservation } from './start-reason.ts';

const NOW_MS = 10_000_000;
const observed: StartObservation = {
  version: aVersion({ modifiedAtMs: NOW_MS - 40_000 }),
  found: { kind: 'snapshot' },
  keptReady: false,
  instances: 0,
  lastEnded: null,
  serverStartedAtMs: 0,
  nowMs: NOW_MS,
};

const told = (change: Partial<StartObservation>): string[] => Object.values(startReason({ ...observed, ...change }));

test('why a start did not begin on a better rung', () => {
  assert.deepEqual(told({}), ['no_instance', 'no instance was alive: none had been started yet']);
  const lastEnded = { atMs: NOW_MS - 600_000, atWork: false };
  assert.match(told({ lastEnded }).join(), /^no_instance,.*the last one ended 10 min ago$/);
  assert.match(told({ lastEnded: { ...lastEnded, atWork: true } }).join(), /^instance_lost,.*ended 10 min ago, under its invocation$/);
  assert.match(told({ found: { kind: 'failed', atMs: NOW_MS - 3_000 } }).join(), /^init_failed,.*failed when it last ran, 3\.0 s ago$/);
  assert.deepEqual(told({ instances: 3 }), ['instances_busy', 'all 3 instances were busy']);
  assert.deepEqual(told({ keptReady: true })[0], 'kept_ready');
  assert.match(told({ found: { kind: 'new' } })[1] ?? '', /this revision was deployed 40 s ago/);
  assert.match(told({ found: { kind: 'new' }, serverStartedAtMs: NOW_MS - 3_000 }).join(), /^first_use,.*the server started 3\.0 s ago$/);
  assert.deepEqual(told({ found: { kind: 'lost', atMs: NOW_MS - 500 } }), ['snapshot_lost', 'its snapshot ended by itself 0.5 s ago']);
  const evicted = { kind: 'evicted', atMs: NOW_MS - 7_200_000, unusedMs: 600_000 } as const;
  assert.match(told({ found: { ...evicted, by: 'idle' } })[1] ?? '', /let go 2 h ago, after 10 min without a start from it$/);
  assert.equal(told({ found: { ...evicted, by: 'memory' } })[0], 'evicted_memory');
  assert.equal(told({ found: { ...evicted, by: 'asked' } })[0], 'evicted_asked');
  assert.deepEqual(told({ found: { kind: 'plain', reason: 'a thread is left' } }), ['unforkable', "it can't be forked: a thread is left"]);
  const making = (found: StartObservation['found'], change: Partial<StartObservation> = {}): string =>
    told({ found, making: true, ...change })[1] ?? '';
  assert.match(making({ kind: 'new' }), /^no snapshot yet: this revision was deployed 40 s ago, and it was being made for another start$/);
  assert.match(
    making({ kind: 'new' }, { serverStartedAtMs: NOW_MS }),
    /^no snapshot yet: the server started 0\.0 s ago, and it was being made/,
  );
  assert.match(
    making({ ...evicted, by: 'idle' }),
    /let go 2 h ago, after 10 min without a start from it, and was being made again for another start$/,
  );
  assert.match(making({ kind: 'failed', atMs: NOW_MS }), /failed when it last ran, 0\.0 s ago, and was running again for another start$/);
  assert.equal(told({ found: { kind: 'plain', reason: 'off' }, version: aVersion({ snapshot: 'off' }) })[0], 'snapshots_off');
});
