import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import { aVersion } from '../../src/model/testing/a-version.ts';
import type { UsageRecord } from '../../src/model/usage.ts';
import type { Store } from '../../src/store/store.ts';

const DAY_MS = 86_400_000;

/** What every Store does, whatever it keeps its state in. `open` is called once; the suite closes what it got. */
export function storeContract(name: string, open: () => Promise<Store>, nowMs: () => number): void {
  describe(`store: ${name}`, () => {
    let store: Store;
    before(async () => {
      store = await open();
    });
    after(() => store.close());
    functionsContract(() => store);
    usageContract(() => store, nowMs);
    describeIdempotency(() => store, nowMs);
    habitsContract(() => store);
  });
}

function habitsContract(store: () => Store): void {
  test('habits: the last that was saved comes back; those of functions that are gone do not', async () => {
    const [kept, removed] = [aVersion(), aVersion()];
    await store().functions.create(kept);
    await store().functions.create(removed);
    const habit = (functionId: string, beyond: number) => ({
      functionId,
      idleTimes: { counts: [0, 3, 1], beyond },
      lastUsedAtMs: 1_700_000_000_123,
    });
    await store().habits.save([]);
    await store().habits.save([habit(kept.functionId, 1), habit(removed.functionId, 1), habit(randomUUID(), 1)]);
    await store().habits.save([{ ...habit(kept.functionId, 2), lastUsedAtMs: null }]);
    const ours = async () => (await store().habits.all()).filter((h) => [kept.functionId, removed.functionId].includes(h.functionId));
    assert.equal((await ours()).length, 2);
    await store().functions.remove(removed.functionId);
    assert.deepEqual(await ours(), [{ ...habit(kept.functionId, 2), lastUsedAtMs: null }]);
  });
}

function functionsContract(store: () => Store): void {
  test('a function comes back as it was given, frozen', async () => {
    const version = aVersion({ environment: { ZED: 'ü "quoted" \\ ${x}', A: '' }, url: { auth: 'NONE' }, dependencies: 'sha256-1' });
    await store().functions.create(version);
    const found = await find(store(), version.functionId);
    assert.deepEqual(found, version);
    assert.ok(Object.isFrozen(found) && Object.isFrozen(found?.scaling) && Object.isFrozen(found?.environment));
  });

  test('a name is taken once per account and region', async () => {
    const version = aVersion();
    await store().functions.create(version);
    await rejects(store().functions.create(aVersion({ name: version.name })), 'ResourceConflictException');
    await store().functions.create(aVersion({ name: version.name, region: 'eu-west-1' }));
    await store().functions.create(aVersion({ name: version.name, accountId: '111111111111' }));
  });

  test('of ten who create the same name at once, one does', async () => {
    const name = `f-${randomUUID()}`;
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => store().functions.create(aVersion({ name }))));
    assert.equal(outcomes.filter((o) => o.status === 'fulfilled').length, 1);
    assert.equal((await store().functions.all()).filter((v) => v.name === name).length, 1);
  });

  test('$LATEST is replaced when the revision still is the expected one', async () => {
    const version = aVersion();
    await store().functions.create(version);
    const next = { ...version, revisionId: randomUUID(), memoryMb: 1024, modifiedAtMs: version.modifiedAtMs + 1 };
    await store().functions.replaceLatest(next, version.revisionId);
    assert.deepEqual(await find(store(), version.functionId), next);
    await rejects(
      store().functions.replaceLatest({ ...next, revisionId: randomUUID() }, version.revisionId),
      'PreconditionFailedException',
    );
    assert.deepEqual(await find(store(), version.functionId), next);
  });

  test('of ten who replace the same revision at once, one does', async () => {
    const version = aVersion();
    await store().functions.create(version);
    const replace = (): Promise<void> => store().functions.replaceLatest({ ...version, revisionId: randomUUID() }, version.revisionId);
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, replace));
    assert.equal(outcomes.filter((o) => o.status === 'fulfilled').length, 1);
  });

  test('a function that is removed is gone, its name is free, its usage stays', async () => {
    const version = aVersion();
    await store().functions.create(version);
    await store().usage.append([aRecord({ functionName: version.name, functionId: version.functionId })]);
    assert.equal(await store().functions.remove(version.functionId), true);
    assert.equal(await store().functions.remove(version.functionId), false);
    assert.equal(await find(store(), version.functionId), undefined);
    await rejects(store().functions.replaceLatest(version, version.revisionId), 'ResourceNotFoundException');
    await store().functions.create(aVersion({ name: version.name }));
    assert.equal((await store().usage.recent({ functionName: version.name, limit: 10 })).length, 1);
  });
}

function usageContract(store: () => Store, nowMs: () => number): void {
  test('a record comes back as it was given', async () => {
    const functionName = `f-${randomUUID()}`;
    const startedAtMs = nowMs();
    const given = { functionName, startedAtMs, initMs: 12.5, coldRung: 'zygote', coldMs: 40.25, bytesIn: 2 ** 40 } as const;
    const bare = aRecord({ functionName, startedAtMs: startedAtMs - 1, outcome: 'crash' });
    const cold = { of: 'invocation', name: 'queue', atMs: 0, ms: 0.125 } as const;
    const reason = { cause: 'deployed', text: 'the deploy 2.0 s ago' } as const;
    const slowestModules = [{ name: 'caf\u00e9 \ud83d\ude00', ms: 1.5 }];
    const start = { rung: 'zygote', reason, steps: [cold], slowestModules, unforkable: null } as const;
    const full = aRecord({ ...given, queuedMs: 40.5, handlerMs: null, start });
    await store().usage.append([bare, full]);
    assert.deepEqual(await store().usage.recent({ functionName: full.functionName, limit: 10 }), [full, bare]);
    assert.deepEqual(await store().usage.recent({ functionName: full.functionName, limit: 1 }), [full]);
    assert.deepEqual(await store().usage.recent({ functionName: full.functionName, limit: 10, coldOnly: true }), [full]);
    assert.deepEqual(await store().usage.recent({ functionName: 'nobody-has-this-name', limit: 10 }), []);
  });

  test('the records of one invocation are found by its id, whenever it was', async () => {
    const requestId = randomUUID();
    const [first, second] = [1, 2].map((attempt) => aRecord({ requestId, attempt, startedAtMs: nowMs() - 3_000 * attempt }));
    const old = aRecord({ startedAtMs: nowMs() - 90 * 86_400_000 });
    await store().usage.append([second!, first!, old, aRecord()]);
    assert.deepEqual(await store().usage.attempts(requestId), [first, second]);
    assert.deepEqual(await store().usage.attempts(old.requestId), [old]);
    assert.deepEqual(await store().usage.attempts(randomUUID()), []);
  });

  test('totals are exact, and of the starts in [from, to)', async () => {
    const start = nowMs();
    const functionName = `f-${randomUUID()}`;
    const at = (startedAtMs: number, rest: Partial<UsageRecord> = {}): UsageRecord =>
      aRecord({ functionName, startedAtMs, memoryMb: 129, billedMs: 7, ...rest });
    const within = [at(start), at(start + 1, { coldRung: 'disk' }), at(start + 999, { outcome: 'timeout' })];
    await store().usage.append([at(start - 1), ...within, at(start + 1_000)]);
    const totals = await store().usage.totals({ fromMs: start, toMs: start + 1_000, functionName });
    assert.deepEqual(totals, [
      {
        functionName,
        invocations: 3,
        errors: 1,
        coldStarts: 1,
        billedMs: 21,
        gbSeconds: '0.0026455078125',
        bytesIn: 30,
        bytesOut: 60,
        firstAtMs: start,
        lastAtMs: start + 999,
      },
    ]);
  });

  test('totals name every function, and take any window', async () => {
    const [a, b] = [aRecord({ startedAtMs: nowMs() }), aRecord({ startedAtMs: nowMs() })];
    await store().usage.append([a, b]);
    const all = await store().usage.totals({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER });
    for (const { functionName } of [a, b]) assert.equal(all.filter((t) => t.functionName === functionName).length, 1);
    assert.deepEqual(await store().usage.totals({ fromMs: 5, toMs: 5 }), []);
    assert.deepEqual(await store().usage.totals({ fromMs: 0, toMs: nowMs() + DAY_MS, functionName: "it's; drop table" }), []);
  });

  test('a record of any day is kept: last year, tomorrow, midnight, a clock gone mad', async () => {
    const functionName = `f-${randomUUID()}`;
    const today = Math.floor(nowMs() / DAY_MS) * DAY_MS;
    const starts = [0, today - 365 * DAY_MS, today - 1, today, today + DAY_MS, today + 40 * DAY_MS, today + 4_000 * DAY_MS];
    await store().usage.append(starts.map((startedAtMs) => aRecord({ functionName, startedAtMs })));
    const kept = await store().usage.recent({ functionName, limit: 100 });
    assert.deepEqual(
      kept.map((r) => r.startedAtMs),
      starts.toReversed(),
    );
    const [total] = await store().usage.totals({ fromMs: today - 1, toMs: today + 1, functionName });
    assert.equal(total?.invocations, 2);
  });

  test('a record that can not be true is refused, with the whole batch', async () => {
    const functionName = `f-${randomUUID()}`;
    for (const wrong of [
      { billedMs: -1 },
      { billedMs: 0.5 },
      { durationMs: Number.NaN },
      { startedAtMs: Number.POSITIVE_INFINITY },
      { memoryMb: -128 },
    ]) {
      await rejects(
        store().usage.append([aRecord({ functionName }), aRecord({ functionName, ...wrong })]),
        'InvalidParameterValueException',
      );
    }
    assert.deepEqual(await store().usage.recent({ functionName, limit: 10 }), []);
  });

  test('five thousand records in one batch', async () => {
    const functionName = `f-${randomUUID()}`;
    const batch = Array.from({ length: 5_000 }, (_, i) => aRecord({ functionName, startedAtMs: nowMs() + (i % 1_000), billedMs: i }));
    await store().usage.append(batch);
    const [total] = await store().usage.totals({ fromMs: 0, toMs: nowMs() + DAY_MS, functionName });
    assert.deepEqual([total?.invocations, total?.billedMs], [5_000, 12_497_500]);
  });
}

function describeIdempotency(store: () => Store, nowMs: () => number): void {
  test('a record is written once, however often and with whatever it is appended', async () => {
    const first = aRecord({ startedAtMs: nowMs() });
    const { functionName } = first;
    const retry = aRecord({ ...first, attempt: 2 });
    await store().usage.append([first, first]);
    await Promise.all([
      store().usage.append([first]),
      store().usage.append([retry, first]),
      store().usage.append([{ ...first, billedMs: 99 }]),
    ]);
    await store().usage.append([]);
    const kept = await store().usage.recent({ functionName, limit: 10 });
    assert.deepEqual(
      kept.map((r) => [r.attempt, r.billedMs]).toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
      [
        [1, 5],
        [2, 5],
      ],
    );
  });
}

/** A usage record of a new request to a new function. */
export function aRecord(changes: Partial<UsageRecord> = {}): UsageRecord {
  return {
    requestId: randomUUID(),
    attempt: 1,
    accountId: '000000000000',
    functionId: randomUUID(),
    functionName: `f-${randomUUID()}`,
    version: '$LATEST',
    revisionId: randomUUID(),
    instanceId: randomUUID(),
    startedAtMs: 1_700_000_000_000,
    durationMs: 4.2,
    billedMs: 5,
    initMs: null,
    initBilled: false,
    memoryMb: 128,
    memoryUsedMb: 61.5,
    coldRung: null,
    coldMs: 0,
    bytesIn: 10,
    bytesOut: 20,
    outcome: 'ok',
    queuedMs: 0.05,
    handlerMs: 4.1,
    start: null,
    ...changes,
  };
}

/** Asserts that a promise rejects with a HearthError of that code. */
export async function rejects(promise: Promise<unknown>, code: ErrorCode, message: RegExp = /./): Promise<void> {
  await assert.rejects(promise, (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.stack);
    assert.match(error.message, message);
    return true;
  });
}

async function find(store: Store, functionId: string): Promise<FunctionVersion | undefined> {
  return (await store.functions.all()).find((v) => v.functionId === functionId);
}
