import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { Pool } from 'pg';
import { aRecord } from '../../test/contracts/store.contract.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import type { UsageRecord } from '../model/usage.ts';
import { openPool } from './connection.ts';
import { startEmbedded, type Embedded } from './embedded.ts';
import { openDatabase, type DatabaseStore } from './postgres-store.ts';

const DAY_MS = 86_400_000;
const TODAY_MS = Date.UTC(2026, 10, 29);
const EVER = { fromMs: 0, toMs: TODAY_MS + DAY_MS };

const home = mkdtempSync(join(tmpdir(), 'hearth-days-'));
let server: Embedded;
let store: DatabaseStore;
let pool: Pool;

before(async () => {
  server = await startEmbedded({ home, clock: systemClock, log: silent });
  const clock = { ...systemClock, now: () => TODAY_MS + DAY_MS / 2 };
  store = await openDatabase(server.connection('hearth'), 'us-east-1', { clock, log: silent });
  pool = openPool(server.connection('hearth'), 'test', silent);
});
after(async () => {
  await pool.end();
  await store.close();
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});
/** Each test has a time of its own, with no day of another's. */
beforeEach(() => tidied(null).then(() => pool.query('truncate hearth.usage, hearth.usage_sum, hearth.usage_day')));

/** Does all that is due: days before yesterday are summed up, those before one so many days ago removed. */
async function tidied(removeDays: number | null): Promise<number> {
  const removeBeforeMs = removeDays === null ? null : TODAY_MS - removeDays * DAY_MS;
  let steps = 0;
  while (await store.usageDays.tidy({ sumBeforeMs: TODAY_MS - DAY_MS, removeBeforeMs })) steps++;
  return steps;
}

/** A record of a call that began so many days and milliseconds after (before) the beginning of today. */
function onDay(day: number, ms: number, change: Partial<UsageRecord> = {}): UsageRecord {
  return aRecord({ startedAtMs: TODAY_MS + day * DAY_MS + ms, functionName: 'f', functionId: 'f-id', ...change });
}

const totals = (query: { fromMs: number; toMs: number; functionName?: string }) => store.usage.totals(query);

test('summing up changes no report, of whatever window, nor what single invocations are known of', async () => {
  const records = [-20, -9, -3, -2, -1, 0].flatMap((day, i) => [
    onDay(day, 0, { billedMs: 3 + i, memoryMb: 129, coldRung: 'disk', coldMs: 4 }),
    onDay(day, DAY_MS - 0.5, { outcome: 'timeout', bytesIn: 2 ** 40 }),
    onDay(day, 40_000_000 + i, { functionName: 'g', functionId: 'g-id', memoryMb: 1_769, billedMs: 2 ** 40 + i }),
  ]);
  await store.usage.append(records);
  const windows = [0, -20, -19.5, -9, -3, -2, -1.25, 0].flatMap((from) =>
    [-9, -8.4, -2, -1, 0, 1].map((to) => ({ fromMs: TODAY_MS + from * DAY_MS, toMs: TODAY_MS + to * DAY_MS })),
  );
  const everything = async () => ({
    ever: await totals(EVER),
    windows: await Promise.all(windows.map(totals)),
    ofOne: await Promise.all(windows.map((w) => totals({ ...w, functionName: 'g' }))),
    recent: await Promise.all(
      [1, 3, 7, 100].flatMap((limit) => [
        store.usage.recent({ limit }),
        store.usage.recent({ limit, functionName: 'f' }),
        store.usage.recent({ limit, functionName: 'f', coldOnly: true }),
        store.usage.recent({ limit, functionName: 'nobody' }),
      ]),
    ),
    attempts: await Promise.all(records.map((r) => store.usage.attempts(r.requestId))),
  });
  const before = await everything();
  assert.deepEqual(
    before.ever.map((t) => [t.functionName, t.invocations, t.errors, t.coldStarts]),
    [
      ['f', 12, 6, 6],
      ['g', 6, 0, 0],
    ],
  );
  assert.ok((await tidied(null)) >= 4);
  const { rows } = await pool.query('select count(*)::int as days, sum(invocations)::int as invocations from hearth.usage_sum');
  assert.deepEqual(rows, [{ days: 8, invocations: 12 }], 'four days of two functions');
  assert.deepEqual(await everything(), before);
});

test('a record that comes to a day that is summed up is in every report at once, and the day is summed up anew', async () => {
  const first = onDay(-5, 1);
  await store.usage.append([first]);
  await tidied(null);
  await store.usage.append([onDay(-5, 2, { billedMs: 100 }), first, onDay(0, 0)]);
  const expected = [3, 110];
  assert.deepEqual([(await totals(EVER))[0]?.invocations, (await totals(EVER))[0]?.billedMs], expected);
  assert.equal((await store.usage.recent({ limit: 10 })).length, 3);
  assert.equal(await tidied(null), 1);
  assert.deepEqual([(await totals(EVER))[0]?.invocations, (await totals(EVER))[0]?.billedMs], expected);
});

test('no record is lost or counted twice that comes while its day is being summed up', async () => {
  await store.usage.append([onDay(-4, 0)]);
  const late = Array.from({ length: 60 }, (_, i) => onDay(-4, i + 1));
  const reading = { on: true };
  const reads = (async () => {
    const seen: number[] = [];
    while (reading.on) seen.push((await totals(EVER))[0]?.invocations ?? 0);
    return seen;
  })();
  await Promise.all([...late.map((record) => store.usage.append([record])), tidied(null), tidied(null), tidied(null)]);
  await tidied(null);
  reading.on = false;
  const seen = await reads;
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
    'none is ever away again',
  );
  assert.equal((await totals(EVER))[0]?.invocations, 61);
});

test('of a day whose records were removed its sums stay: for the window in which it begins, so that windows add up', async () => {
  const records = [-10, -9, -3, 0].flatMap((day) => [onDay(day, 3_600_000), onDay(day, DAY_MS - 1, { memoryMb: 1_024, outcome: 'crash' })]);
  await store.usage.append(records);
  const before = await totals(EVER);
  await tidied(9);
  assert.deepEqual(await totals(EVER), before);
  const { rows } = await pool.query(
    "select to_regclass('hearth.usage_20261119') as gone, to_regclass('hearth.usage_20261120') is null as too",
  );
  assert.deepEqual(rows, [{ gone: null, too: false }], 'its table is gone, that of the day after it is not');
  assert.equal((await store.usage.recent({ limit: 100 })).length, 6);
  assert.deepEqual(await store.usage.attempts(records[0]!.requestId), []);
  const noon = TODAY_MS - 9.5 * DAY_MS;
  const counts = await Promise.all([
    totals({ fromMs: 0, toMs: noon - DAY_MS }),
    totals({ fromMs: noon - DAY_MS, toMs: noon }),
    totals({ fromMs: noon, toMs: EVER.toMs }),
  ]);
  assert.deepEqual(
    counts.map((c) => c[0]?.invocations ?? 0),
    [0, 2, 6],
  );
});

test('a record that comes to a day that was removed counts at once, and is removed in its turn; so are those of clocks gone mad', async () => {
  await store.usage.append([onDay(-12, 0), onDay(0, 0)]);
  await tidied(9);
  await store.usage.append([onDay(-12, 1), aRecord({ startedAtMs: 0, functionName: 'f', functionId: 'f-id' })]);
  assert.equal((await totals(EVER))[0]?.invocations, 4);
  await tidied(9);
  assert.equal((await store.usage.recent({ limit: 100 })).length, 1);
  const [total] = await totals(EVER);
  assert.deepEqual([total?.invocations, total?.firstAtMs, total?.lastAtMs], [4, 0, TODAY_MS]);
  assert.equal(await tidied(9), 0);
});

test('a day that somebody reads is not removed under them: later; those who write wait half a second at most', async () => {
  await store.usage.append([onDay(-13, 0)]);
  const reader = await pool.connect();
  await reader.query('begin');
  await reader.query('select count(*) from hearth.usage');
  const refused = await tidied(9).catch((error: Error) => error.message);
  await reader.query('commit');
  reader.release();
  assert.match(String(refused), /lock timeout/);
  assert.equal((await store.usage.recent({ limit: 10 })).length, 1);
  await tidied(9);
  assert.equal((await store.usage.recent({ limit: 10 })).length, 0);
  assert.equal((await totals(EVER))[0]?.invocations, 1);
});

test('a function that was made again under its name is one line of the report, and its days are found whatever their functions', async () => {
  await store.usage.append([
    onDay(-3, 0, { functionId: randomUUID() }),
    onDay(-3, 1, { functionId: randomUUID(), version: '2' }),
    onDay(-7, 1, { functionName: 'rare', functionId: 'r' }),
  ]);
  await tidied(null);
  assert.deepEqual(
    (await totals(EVER)).map((t) => [t.functionName, t.invocations]),
    [
      ['f', 2],
      ['rare', 1],
    ],
  );
  assert.equal((await store.usage.recent({ limit: 2, functionName: 'rare' })).length, 1);
  assert.equal((await store.usage.recent({ limit: 3 })).length, 3);
});
