import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Kysely, PostgresDialect } from 'kysely';
import type { Pool } from 'pg';
import { aRecord } from '../../test/contracts/store.contract.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import type { UsageRecord } from '../model/usage.ts';
import { openPool } from './connection.ts';
import { startEmbedded, type Embedded } from './embedded.ts';
import { openDatabase } from './postgres-store.ts';
import type { Database } from './schema.ts';
import { copyUsage } from './usage-copy.ts';
import { attempts } from './usage-records.ts';
import { UsageRows, writeRows } from './usage-rows.ts';

const home = mkdtempSync(join(tmpdir(), 'hearth-usage-'));
let server: Embedded;
let store: Awaited<ReturnType<typeof openDatabase>>;
let pool: Pool;
let db: Kysely<Database>;

before(async () => {
  server = await startEmbedded({ home, clock: systemClock, log: silent });
  store = await openDatabase(server.connection('hearth'), 'us-east-1', { clock: systemClock, log: silent });
  pool = openPool(server.connection('hearth'), 'test', silent);
  db = new Kysely({ dialect: new PostgresDialect({ pool }) });
});
after(async () => {
  await pool.end();
  await store.close();
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

const read = async (r: UsageRecord): Promise<UsageRecord[]> => attempts(db, r.requestId, Date.now());

test('COPY takes what a record holds: every column, every kind of text, large numbers', async () => {
  const start = {
    rung: 'disk',
    reason: { cause: 'deployed', text: 'tab\there' },
    steps: [],
    slowestModules: [],
    unforkable: 'Zürich 😀',
  } as const;
  const given = [
    aRecord({ startedAtMs: Date.now() + 0.125, durationMs: 1.234, billedMs: 2 ** 40 + 7, bytesIn: 2 ** 33, bytesOut: 0 }),
    aRecord({
      functionName: 'ü\\N\t\n',
      version: '7',
      instanceId: '',
      coldRung: 'snapshot',
      coldMs: 4.25,
      initMs: 0.001,
      initBilled: true,
      start,
    }),
    aRecord({ startedAtMs: Date.UTC(1969, 11, 31, 23, 59, 59, 999), handlerMs: null, outcome: 'crash' }),
  ];
  await copyUsage(pool, given, 'us-east-1');
  for (const record of given) assert.deepEqual(await read(record), [record]);
});

test('records without an instance keep their own function and version', async () => {
  const given = ['a', 'b'].map((functionName, i) => aRecord({ functionName, version: String(i), instanceId: '', memoryMb: 128 + i }));
  await copyUsage(pool, given, 'us-east-1');
  for (const record of given) assert.deepEqual(await read(record), [record]);
});

test('what a column can not hold is no row; a row that is there already is refused, with the others of its batch', async () => {
  for (const wrong of [{ billedMs: 0.5 }, { attempt: 2 ** 31 }, { memoryMb: Number.NaN }, { startedAtMs: Number.POSITIVE_INFINITY }])
    assert.throws(() => writeRows(new UsageRows(), [aRecord(wrong)], 'us-east-1'), RangeError);
  const [first, other] = [aRecord(), aRecord()];
  await copyUsage(pool, [first], 'us-east-1');
  await assert.rejects(copyUsage(pool, [other, first], 'us-east-1'), { code: '23505' });
  assert.deepEqual(await read(other), []);
});
