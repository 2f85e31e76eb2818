import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aRecord } from '../../test/contracts/store.contract.ts';
import { silent } from '../../test/silent-log.ts';
import { HearthError } from '../errors.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import type { UsageRecord } from '../model/usage.ts';
import { memoryStore } from '../store/memory-store.ts';
import type { UsageStore } from '../store/store.ts';
import { UsageRecorder } from './usage-recorder.ts';
import type { UsageRecorderOptions } from './usage-recorder.ts';

const FLUSH_MS = 250;

/** A memory store that can be away, slow, or picky. */
class TestStore implements UsageStore {
  readonly #inner = memoryStore().usage;
  readonly batches: number[] = [];
  away = false;
  writeMs = 0;
  refuse: (record: UsageRecord) => boolean = () => false;
  readonly clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  async append(records: readonly UsageRecord[]): Promise<void> {
    if (this.writeMs > 0) await new Promise<void>((resolve) => this.clock.after(this.writeMs, resolve));
    if (this.away) throw new HearthError('ServiceUnavailable', 'away');
    if (records.some(this.refuse)) throw new HearthError('InvalidParameterValueException', 'refused');
    this.batches.push(records.length);
    await this.#inner.append(records);
  }

  totals(query: Parameters<UsageStore['totals']>[0]): ReturnType<UsageStore['totals']> {
    return this.#inner.totals(query);
  }

  recent(query: Parameters<UsageStore['recent']>[0]): Promise<UsageRecord[]> {
    return this.#inner.recent(query);
  }

  attempts(requestId: string): Promise<UsageRecord[]> {
    return this.#inner.attempts(requestId);
  }

  async ids(): Promise<Set<string>> {
    return new Set((await this.recent({ limit: 1e6 })).map((r) => r.requestId));
  }
}

function setUp(options: Partial<UsageRecorderOptions> = {}): {
  clock: VirtualClock;
  store: TestStore;
  recorder: UsageRecorder;
  errors: string[];
} {
  const clock = new VirtualClock(1_700_000_000_000);
  const store = new TestStore(clock);
  const errors: string[] = [];
  const log = { ...silent, error: (_: object, message: string) => void errors.push(message) };
  return { clock, store, recorder: new UsageRecorder({ store, clock, log, flushMs: FLUSH_MS, ...options }), errors };
}

for (const writeMs of [0, 10, 49]) {
  test(`at any moment, every record older than the flush interval is in the store (a write takes ${writeMs} ms)`, async () => {
    const { clock, store, recorder } = setUp({ batchRecords: 40 });
    store.writeMs = writeMs;
    const sent: { id: string; atMs: number }[] = [];
    for (let step = 0; step < 600; step++) {
      // Bursts, trickles and silences.
      const count = step % 97 === 0 ? 120 : step % 50 < 20 ? 1 : 0;
      for (let i = 0; i < count; i++) {
        const record = aRecord({ startedAtMs: clock.now() });
        recorder.record(record);
        sent.push({ id: record.requestId, atMs: clock.now() });
      }
      await clock.advance(7);
      const stored = await store.ids();
      const missing = sent.filter(({ id, atMs }) => clock.now() - atMs >= FLUSH_MS && !stored.has(id));
      assert.deepEqual(missing, [], `at step ${step}`);
    }
    assert.ok(store.batches.every((size) => size <= 40));
    assert.ok(store.batches.length < 150, `${store.batches.length} writes for ${sent.length} records`);
  });
}

test('nothing recorded, nothing written, no timer left', async () => {
  const { clock, store, recorder } = setUp();
  await recorder.flush();
  await clock.advance(10_000);
  assert.deepEqual(store.batches, []);
  await recorder.close();
});

test('a full batch is written at once, one write at a time', async () => {
  const { clock, store, recorder } = setUp({ batchRecords: 10 });
  store.writeMs = 5;
  for (let i = 0; i < 35; i++) recorder.record(aRecord());
  await clock.advance(5);
  assert.deepEqual(store.batches, [10]);
  await clock.advance(10);
  assert.deepEqual(store.batches, [10, 10, 10]);
  await clock.advance(FLUSH_MS);
  assert.deepEqual(store.batches, [10, 10, 10, 5]);
});

test('while the store is away nothing is lost, and it is asked less and less', async () => {
  const { clock, store, recorder } = setUp({ batchRecords: 10 });
  let asked = 0;
  const append = store.append.bind(store);
  store.append = (records) => {
    asked++;
    return append(records);
  };
  store.away = true;
  for (let i = 0; i < 100; i++) {
    recorder.record(aRecord());
    await clock.advance(600);
  }
  assert.ok(asked >= 10 && asked <= 25, `asked ${asked} times in a minute`);
  await assert.rejects(recorder.flush(), { code: 'ServiceUnavailable' });
  assert.deepEqual(recorder.stats, { buffered: 100, written: 0, lost: 0 });
  store.away = false;
  await clock.advance(5_000);
  assert.deepEqual(recorder.stats, { buffered: 0, written: 100, lost: 0 });
  assert.equal((await store.ids()).size, 100);
});

test('a full buffer loses the oldest, counts them, and says so once', async () => {
  const { clock, store, recorder, errors } = setUp({ batchRecords: 10, capacity: 50 });
  store.away = true;
  const records = Array.from({ length: 200 }, () => aRecord());
  for (const record of records) {
    recorder.record(record);
    await clock.advance(50);
  }
  store.away = false;
  await recorder.flush();
  const stored = await store.ids();
  // The batch that was on its way when the store went is kept, and the newest that fit.
  assert.deepEqual([recorder.stats.buffered, recorder.stats.written, recorder.stats.lost], [0, stored.size, 200 - stored.size]);
  assert.ok(records.slice(-50).every((r) => stored.has(r.requestId)));
  assert.equal(errors.filter((e) => e.includes('buffer is full')).length, 1);
});

test('a record that the store refuses does not hold up the others', async () => {
  const { store, recorder, errors } = setUp();
  const records = Array.from({ length: 100 }, (_, i) => aRecord({ billedMs: i }));
  store.refuse = (r) => r.billedMs === 13 || r.billedMs === 77;
  for (const record of records) recorder.record(record);
  await recorder.flush();
  assert.deepEqual(recorder.stats, { buffered: 0, written: 98, lost: 2 });
  assert.equal((await store.ids()).size, 98);
  assert.equal(errors.length, 2);
});

test('flush waits for what was recorded before it, also behind a write under way', async () => {
  const { clock, store, recorder } = setUp({ batchRecords: 10 });
  store.writeMs = 5;
  for (let i = 0; i < 25; i++) recorder.record(aRecord());
  await clock.advance(0);
  const flushed = recorder.flush();
  await clock.advance(100);
  await flushed;
  assert.deepEqual(recorder.stats, { buffered: 0, written: 25, lost: 0 });
});

test('close writes what is left; when the store stays away it says how much was lost', async () => {
  const good = setUp();
  good.recorder.record(aRecord());
  await good.recorder.close();
  assert.equal(good.recorder.stats.written, 1);

  for (const hang of [false, true]) {
    const bad = setUp();
    if (hang) bad.store.writeMs = 1e9;
    else bad.store.away = true;
    bad.recorder.record(aRecord());
    const closed = bad.recorder.close();
    await bad.clock.advance(60_000);
    await closed;
    assert.equal(bad.errors.filter((e) => e.includes('when the server closed')).length, 1);
  }

  const back = setUp();
  back.store.away = true;
  back.recorder.record(aRecord());
  const closed = back.recorder.close();
  await back.clock.advance(1_000);
  back.store.away = false;
  await back.clock.advance(60_000);
  await closed;
  assert.deepEqual([back.recorder.stats.written, back.errors], [1, []]);
});
