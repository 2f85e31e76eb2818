import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aVersion } from '../../model/testing/a-version.ts';
import type { UsageRecord } from '../../model/usage.ts';
import type { ColdStart, StartCause, Step } from '../../model/waterfall.ts';
import { explanation, type Explanation } from './explanation.ts';

const step = (of: Step['of'], name: Step['name'], atMs: number, ms: number): Step => ({ of, name, atMs, ms });

function aStart(change: Partial<ColdStart> = {}, cause: StartCause = 'deployed'): ColdStart {
  return {
    rung: 'zygote',
    reason: { cause, text: 'why' },
    steps: [
      step('invocation', 'queue', 0, 0),
      step('snapshot', 'import', 0, 100),
      step('snapshot', 'userInit', 100, 60),
      step('instance', 'fork', 160, 8),
    ],
    slowestModules: [
      { name: 'index.js', ms: 160 },
      { name: 'heavy', ms: 90 },
      { name: 'light', ms: 4 },
    ],
    unforkable: null,
    ...change,
  };
}

function aRecord(start: ColdStart | null, change: Partial<UsageRecord> = {}): UsageRecord {
  return {
    requestId: 'r',
    attempt: 1,
    accountId: 'a',
    functionId: 'f',
    functionName: 'hello',
    version: '$LATEST',
    revisionId: 'rev',
    instanceId: 'i',
    startedAtMs: 1,
    durationMs: 12,
    billedMs: 12,
    initMs: null,
    initBilled: false,
    memoryMb: 128,
    memoryUsedMb: 1,
    coldRung: start?.rung ?? null,
    coldMs: start === null ? 0 : 168,
    bytesIn: 0,
    bytesOut: 0,
    outcome: 'ok',
    queuedMs: start === null ? 0 : 168,
    handlerMs: 10,
    start,
    ...change,
  };
}

const told = (e: Explanation): string[] => e.advice.map((a) => a.code);
const explained = (
  start: ColdStart | null,
  change: Partial<UsageRecord> = {},
  version = aVersion({ handler: 'index.handler', snapshot: 'onDeploy' }),
): Explanation => explanation(aRecord(start, change), 1, version);

test('a slow module is named, the handler’s own is not, and what saves most comes first', () => {
  const e = explained(aStart(), {}, aVersion({ handler: 'index.handler', snapshot: 'onFirstUse' }));
  assert.deepEqual(told(e), ['snapshot', 'import', 'user_init']);
  assert.match(e.advice[1]?.text ?? '', /^importing heavy takes 90 ms of the init phase's 160 ms/);
  assert.deepEqual(
    e.advice.map((a) => a.savesMs),
    [158, 90, 60],
  );
  assert.deepEqual(e.waterfall.slice(-2), [step('invocation', 'handler', 168, 10), step('invocation', 'reply', 178, 2)]);
  assert.equal(e.totalMs, 180);
});

test('every cause has its advice, also when the function is gone', () => {
  const forked = {
    rung: 'snapshot',
    steps: [step('invocation', 'queue', 0, 0), step('instance', 'fork', 0, 8)],
    slowestModules: [],
  } as const;
  const advised: [StartCause, Partial<ColdStart>, string][] = [
    ['snapshots_off', {}, 'snapshot'],
    ['unforkable', { unforkable: 'a thread is left; close it' }, 'forkable'],
    ['first_use', {}, 'min'],
    ['evicted_idle', {}, 'keep'],
    ['evicted_memory', {}, 'memory'],
    ['snapshot_lost', {}, 'lost'],
    ['instances_busy', forked, 'min'],
    ['no_instance', forked, 'keep'],
    ['instance_lost', forked, 'instance_lost'],
    ['init_failed', {}, 'init_failed'],
    ['kept_ready', forked, 'nothing'],
  ];
  for (const [cause, change, code] of advised) {
    assert.equal(told(explained(aStart(change, cause)))[0], code, cause);
    assert.equal(told(explanation(aRecord(aStart(change, cause)), 1, null))[0], code, cause);
  }
  const unforkable = explained(aStart({ unforkable: 'a thread is left; close it' }, 'unforkable'));
  assert.match(unforkable.advice[0]?.text ?? '', /a thread is left; close it$/);
});

test('waiting in a queue or for a parent that has others to fork is told', () => {
  const burst = [step('invocation', 'queue', 0, 0), step('instance', 'wait', 0, 100), step('instance', 'fork', 100, 68)];
  const advised = (change: Partial<UsageRecord> = {}): string =>
    explained(aStart({ rung: 'snapshot', steps: burst, slowestModules: [] }, 'instances_busy'), change).advice.find(
      (a) => a.code === 'burst',
    )?.text ?? '';
  // Nobody measures which of the two it was: neither is said to be so.
  assert.match(
    advised(),
    /^its parent took up the order 100 ms after it was given: it had others to fork before, as in a burst, or the machine was busy;/,
  );
  assert.match(advised(), /; scaling\.min keeps instances that need no start$/);
  assert.match(advised({ version: '7' }), /; provisioned concurrency .* keeps instances that need no start$/);
  assert.equal(advised({ coldMs: 501 }), '', 'less than a fifth of what was waited');
  assert.deepEqual(told(explained(null, { queuedMs: 50 })), ['queue']);
  assert.deepEqual(told(explained(null, { queuedMs: 1 })), ['nothing']);
});

test('of a warm call the handler’s share is what the waterfall shows of it', () => {
  const { advice } = explained(null, { queuedMs: 0.3, durationMs: 0.7, handlerMs: 0.1 });
  assert.match(advice[0]?.text ?? '', /: it was warm, and 10 % of the time was the handler's$/);
});

test('after-restore hooks are named, not the init phase that ran long before', () => {
  const steps = [step('invocation', 'queue', 0, 0), step('instance', 'fork', 0, 8), step('instance', 'restore', 8, 160)];
  const slow = explained(aStart({ rung: 'snapshot', steps, slowestModules: [] }, 'no_instance'));
  assert.deepEqual(told(slow), ['keep', 'restore']);
  assert.match(slow.advice[1]?.text ?? '', /^the after-restore hooks take 160 ms in each instance/);
  const failed = explained(aStart({ rung: 'snapshot', steps, slowestModules: [] }, 'init_failed'), { instanceId: '', durationMs: 0 });
  assert.deepEqual(told(failed), ['restore_failed']);
});

test('one that never reached an instance has no handler, one that never answered no reply', () => {
  assert.ok(!explained(aStart(), { instanceId: '', durationMs: 0 }).waterfall.some((s) => s.name === 'handler'));
  const late = explained(null, { handlerMs: null, durationMs: 3_000, outcome: 'timeout' });
  assert.deepEqual(
    late.waterfall.map((s) => [s.name, s.ms]),
    [
      ['queue', 0],
      ['handler', 3_000],
    ],
  );
});

test('what a version that has a number, or a custom runtime, can do is said of it, and what failed is not told to wait less', () => {
  const numbered = explained(aStart({}, 'evicted_idle'), { version: '7' });
  assert.match(numbered.advice[0]?.text ?? '', /provisioned concurrency/);
  assert.doesNotMatch(numbered.advice[0]?.text ?? '', /scaling\.min/);
  const custom = explained(aStart({}, 'unforkable'), {}, aVersion({ runtime: 'provided.al2023' }));
  assert.match(custom.advice[0]?.text ?? '', /custom runtime/);
  assert.doesNotMatch(custom.advice[0]?.text ?? '', /forkable/);
  const slow = [step('invocation', 'queue', 0, 400), step('instance', 'userInit', 400, 100)];
  assert.deepEqual(told(explained(aStart({ steps: slow }, 'init_failed'), { instanceId: '', queuedMs: 500, durationMs: 0 })), [
    'init_failed',
  ]);
  assert.doesNotMatch(explained(null, { queuedMs: 50 }).advice[0]?.text ?? '', /scaling\.max/);
});
