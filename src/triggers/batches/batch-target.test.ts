import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { BatchContract } from '../../model/batch-contract.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import { aDelivery } from '../../model/testing/a-delivery.ts';
import type { Attempted, Target } from '../ledger/attempt.ts';
import { notTried } from '../ledger/attempt.ts';
import type { Claimed } from '../ledger/ledger.ts';
import type { BatchOwner } from './batch-store.ts';
import { batchTarget } from './batch-target.ts';
import type { Progress } from './policies/progress.ts';

const DEFAULTS: BatchContract = {
  retries: 1,
  maxRecordAgeMs: null,
  bisects: true,
  reportsFailures: false,
  onFailure: 'arn',
  stopped: false,
};

/** A target over a function that fails for the records in `poison`, with what it was given and what was told. */
function world(count: number, poison: readonly number[], given: Partial<BatchContract> = {}) {
  let contract: BatchContract | null = { ...DEFAULTS, ...given };
  const clock = new VirtualClock();
  const saved = new Map<string, Progress>();
  const told: NewDelivery[] = [];
  const calls: number[][] = [];
  const state = {
    failSave: false,
    unreached: null as Attempted | null,
    before: [] as string[],
    owner: null as BatchOwner | null,
    readdressed: [] as string[],
  };
  const functions: Target = {
    most: () => 1,
    limits: () => ({ retries: 2, maxAgeMs: 1_000 }),
    async attempt(claimed) {
      if (state.unreached !== null) return state.unreached;
      const { Records } = JSON.parse(claimed.payload.toString()) as { Records: { eventID: string }[] };
      const ids = Records.map((r) => Number(r.eventID));
      calls.push(ids);
      const bad = ids.some((id) => poison.includes(id));
      const response = { body: Buffer.from('null'), executedVersion: '$LATEST', functionError: bad ? 'Unhandled' : null };
      return { outcome: bad ? 'function_error' : 'ok', errorType: bad ? 'Error' : '', message: bad ? 'no' : '', response };
    },
  };
  const target = batchTarget({
    functions,
    contract: () => contract,
    owner: () => state.owner,
    store: {
      load: async (seq) => structuredClone(saved.get(seq) ?? null),
      async save(seq, progress) {
        if (state.failSave) throw new Error('the database is away');
        if (progress === null) saved.delete(seq);
        else saved.set(seq, structuredClone(progress));
      },
      hurry: async () => {},
      readdress: async (prefix, to) => void state.readdressed.push(`${prefix} ${to.functionId} ${to.qualifier}`),
      isBehind: async (_, orders) => state.before.some((key) => key.startsWith(orders.all) && !key.startsWith(orders.own)),
    },
    intake: { accept: async (deliveries) => void told.push(...deliveries) },
    discard: (claimed, _to, facts) =>
      aDelivery({ id: `${claimed.eventId}:${facts.records.map((r) => r.eventID).join()}`, subject: facts.condition }),
    clock,
  });
  const records = Array.from({ length: count }, (_, n) => ({ eventID: String(n), source: { ts_ms: clock.now() + n * 1_000 } }));
  const payload = Buffer.from(JSON.stringify({ Records: records }));
  let claimed: Claimed = {
    ...aDelivery({ source: 'database', orderKey: 'esm:t/0', payload }),
    seq: '1',
    eventId: 'e',
    lane: 'f-1',
    requestId: 'r',
    clientContext: '',
    attempt: 1,
    ageMs: 0,
    functionErrors: 0,
    systemErrors: 0,
  };
  /** One attempt, and the delivery as it would be claimed next. */
  const attempt = async (): Promise<Attempted> => {
    const done = await target.attempt(claimed);
    const { functionErrors, systemErrors } = done.next?.kind === 'again' ? done.next : claimed;
    claimed = { ...claimed, attempt: claimed.attempt + 1, functionErrors, systemErrors };
    return done;
  };
  const toEnd = async (): Promise<Attempted> => {
    for (;;) {
      const done = await attempt();
      if (done.next?.kind !== 'again') return done;
    }
  };
  return {
    attempt,
    toEnd,
    calls,
    told,
    saved,
    state,
    clock,
    target,
    setContract: (c: BatchContract | null) => (contract = c),
    get claimed() {
      return claimed;
    },
  };
}

describe('a batch as an event source mapping runs it', () => {
  it('is one invocation an attempt, and remembers how far it is; a redrive runs what was given up', async () => {
    const w = world(4, [2]);
    const done = await w.toEnd();
    assert.deepEqual(done.next, { kind: 'failed', reason: 'RetriesExhausted' });
    assert.match(done.message, /^1 of 4 records were given up; records 4 to 4 of 4$/);
    assert.deepEqual(w.calls, [[0, 1, 2, 3], [0, 1], [2, 3], [2], [2], [3]]);
    assert.deepEqual(
      w.told.map((d) => [d.id, d.subject]),
      [['e:2', 'RetryAttemptsExhausted']],
    );
    w.calls.length = 0;
    await w.attempt();
    assert.deepEqual(w.calls, [[2]]);
  });

  it('leaves nothing behind when all went well', async () => {
    const w = world(3, []);
    assert.deepEqual((await w.attempt()).next, { kind: 'succeeded' });
    assert.deepEqual([w.calls, w.saved.size], [[[0, 1, 2]], 0]);
  });

  it('is run again as it was when its progress could not be written: what is told is told before, maybe twice', async () => {
    const w = world(1, [0], { retries: 0 });
    w.state.failSave = true;
    const lost = await w.attempt();
    assert.equal(lost.outcome, 'system_error');
    assert.equal(lost.next?.kind, 'again');
    w.state.failSave = false;
    assert.equal((await w.attempt()).next?.kind, 'failed');
    assert.deepEqual(
      w.told.map((d) => d.id),
      ['e:0', 'e:0'],
    );
  });

  it('gives up what is too old, and runs the rest', async () => {
    const w = world(4, [], { maxRecordAgeMs: 60_000 });
    await w.clock.advance(61_500);
    const done = await w.toEnd();
    assert.deepEqual(w.calls, [[2, 3]]);
    assert.deepEqual(
      w.told.map((d) => [d.id, d.subject]),
      [['e:0,1', 'RecordAgeExceeded']],
    );
    assert.equal(done.next?.kind, 'failed');
  });

  it('waits while it is not reached or stopped, and costs no retries; ends when its mapping or function is gone', async () => {
    const w = world(1, []);
    w.state.unreached = { outcome: 'throttled', errorType: 'TooManyRequestsException', message: '', response: null };
    for (const delayMs of [1_000, 2_000, 4_000]) {
      const { next } = await w.attempt();
      assert.deepEqual(next?.kind === 'again' && [next.delayMs, next.functionErrors], [delayMs, 0]);
    }
    w.state.unreached = notTried('ZeroReservedConcurrency', 'reserved concurrency is 0');
    const stopped = await w.attempt();
    assert.deepEqual([stopped.outcome, stopped.next?.kind], ['throttled', 'again']);
    w.setContract({ ...DEFAULTS, stopped: true });
    assert.equal((await w.attempt()).next?.kind, 'again');
    assert.equal(w.calls.length, 0);
    w.setContract(null);
    assert.deepEqual((await w.attempt()).next, { kind: 'failed', reason: 'TriggerGone' });
    w.setContract(DEFAULTS);
    w.state.unreached = notTried('FunctionGone', 'gone');
    assert.deepEqual((await w.attempt()).next, { kind: 'failed', reason: 'FunctionGone' });
  });

  it('waits for what was shared out to another number of orders before it, each time longer, and looks no more once that is done', async () => {
    const w = world(1, []);
    const at = (orderKey: string) => w.target.attempt({ ...w.claimed, orderKey });
    w.state.before = ['esm:t/3', 'esm:t/1-0', 'esm:other/0'];
    for (const attempt of [1, 2, 3, 9]) {
      const { next, outcome } = await w.target.attempt({ ...w.claimed, orderKey: 'esm:t/2-0', attempt });
      assert.deepEqual([outcome, next?.kind === 'again' && next.delayMs], ['not_tried', Math.min(100 * 2 ** (attempt - 1), 2_000)]);
    }
    assert.equal(w.calls.length, 0);
    w.state.before = ['esm:t/1-0'];
    assert.equal((await at('esm:t/2-0')).outcome, 'not_tried');
    assert.equal((await at('esm:t/1-0')).next?.kind, 'succeeded', 'of its own generation nothing is waited for');
    w.state.before = ['esm:t/2-5'];
    assert.equal((await at('esm:t/2-0')).next?.kind, 'succeeded');
    w.state.before = ['esm:t/1-0']; // driven again
    assert.equal((await at('esm:t/2-1')).next?.kind, 'succeeded');
    w.state.before = ['esm:t/2-0'];
    assert.equal((await at('esm:t/3-1')).outcome, 'not_tried');
    // A trigger without a contract of its own waits likewise.
    w.setContract(null);
    w.state.before = ['p/0'];
    assert.equal((await at('p/1-0')).outcome, 'not_tried');
  });

  it('is not run by a function that its mapping no longer names, which may be gone: it and all that waits are given to the other at once', async () => {
    const w = world(1, []);
    w.state.owner = { functionId: 'f-1', qualifier: null };
    w.state.unreached = notTried('FunctionGone', 'gone');
    for (const owner of [
      { functionId: 'f-2', qualifier: null },
      { functionId: 'f-1', qualifier: 'live' },
    ]) {
      w.state.owner = owner;
      const { next } = await w.attempt();
      assert.deepEqual(next, { kind: 'again', delayMs: 0, functionErrors: 0, systemErrors: 0 });
    }
    assert.deepEqual([w.calls, w.state.readdressed], [[], ['esm:t/ f-2 null', 'esm:t/ f-1 live']]);
    w.state.owner = { functionId: 'f-1', qualifier: null };
    w.state.unreached = null;
    assert.equal((await w.attempt()).next?.kind, 'succeeded');
  });

  it('has no age of its own, and leaves other deliveries to the ledger’s retries', async () => {
    const w = world(1, [0]);
    assert.equal(w.target.limits(w.claimed).maxAgeMs, Number.POSITIVE_INFINITY);
    const plain = { ...w.claimed, orderKey: 't/0' };
    w.setContract(null);
    assert.equal(w.target.limits(plain).maxAgeMs, 1_000);
    assert.equal((await w.target.attempt(plain)).next, undefined);
  });
});
