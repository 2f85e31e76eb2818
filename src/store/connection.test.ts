import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Pool } from 'pg';
import { openTestDatabase, type TestDatabase } from '../../test/fixtures/test-database.ts';
import { silent } from '../../test/silent-log.ts';
import { openPool } from './connection.ts';

describe('a pool for queueing', () => {
  let database: TestDatabase;
  let pool: Pool;
  before(async () => {
    database = await openTestDatabase();
    pool = openPool(database.connection, 'test', silent, { queueing: true, commitAsync: true });
  });
  after(async () => {
    await pool.end();
    await database.close();
  });

  it('plans what it is asked again and again once a session, by indexes, and still answers everything', async () => {
    const client = await pool.connect();
    const prepared = async (): Promise<string[]> =>
      (await client.query<{ statement: string }>('select statement from pg_prepared_statements order by prepare_time')).rows.map(
        (r) => r.statement,
      );
    for (const n of [1, 2]) assert.deepEqual((await client.query('select $1::int as n', [n])).rows, [{ n }]);
    assert.deepEqual(await prepared(), ['select $1::int as n']);
    for (let i = 0; i < 100; i++) assert.deepEqual((await client.query(`select $1::int + ${i} as n`, [1])).rows, [{ n: i + 1 }]);
    const { length } = await prepared();
    assert.ok(length < 100, `${length} are kept`);
    const { rows } = await client.query<{ name: string; setting: string }>(
      "select name, setting from pg_settings where name in ('enable_seqscan', 'plan_cache_mode', 'synchronous_commit') order by name",
    );
    assert.deepEqual(
      rows.map((r) => r.setting),
      ['off', 'force_generic_plan', 'off'],
    );
    client.release();
  });
});
