import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { aVersion } from '../model/testing/a-version.ts';
import { aRecord, rejects, storeContract } from '../../test/contracts/store.contract.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { openPool } from './connection.ts';
import { startEmbedded } from './embedded.ts';
import type { Embedded } from './embedded.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { openDatabase, openStore } from './postgres-store.ts';

const parts = { clock: systemClock, log: silent };
const home = mkdtempSync(join(tmpdir(), 'hearth-store-'));
after(() => rmSync(home, { recursive: true, force: true }));

storeContract('postgres, embedded', () => openStore({ home: join(home, 'a'), databaseUrl: null, region: 'us-east-1' }, parts), Date.now);

describe("somebody's own PostgreSQL", () => {
  let server: Embedded;
  /** The URL of a new, empty database. */
  async function newDatabase(name: string): Promise<string> {
    const admin = openPool(server.connection('app'), 'test', silent);
    await admin.query(`create database ${name}`);
    await admin.end();
    const { host, user, password } = server.connection('app') as { host: string; user: string; password: string };
    return `postgresql://${user}:${password}@${encodeURIComponent(host)}/${name}`;
  }
  const open = async (name: string): ReturnType<typeof openStore> =>
    openStore({ home: join(home, name), databaseUrl: await newDatabase(name), region: 'us-east-1' }, parts);

  before(async () => {
    server = await startEmbedded({ home: join(home, 'b'), ...parts });
  });
  after(() => server.stop());

  storeContract('postgres, by DATABASE_URL', () => open('contract'), Date.now);

  test('a second server on the same database is refused, with the pid of the first', async () => {
    const databaseUrl = await newDatabase('twice');
    const first = await openStore({ home: join(home, 'first'), databaseUrl, region: 'us-east-1' }, parts);
    const second = (): ReturnType<typeof openStore> => openStore({ home: join(home, 'second'), databaseUrl, region: 'us-east-1' }, parts);
    await rejects(second(), 'ResourceConflictException', new RegExp(`process ${process.pid} on .*DATABASE_URL`));
    await first.close();
    await first.close();
    await (await second()).close();
  });

  test('a second server on the same home is refused, with the pid of the first', async () => {
    const first = await open('one');
    await rejects(
      openStore({ home: join(home, 'one'), databaseUrl: null, region: 'us-east-1' }, parts),
      'ResourceConflictException',
      new RegExp(`process ${process.pid}.*HEARTH_HOME`),
    );
    await first.close();
  });

  test('a database that can not be reached is said to be unavailable, and leaves no lock', async () => {
    const options = { home: join(home, 'away'), databaseUrl: 'postgresql://u:p@127.0.0.1:1/none', region: 'us-east-1' };
    await rejects(openStore(options, parts), 'ServiceUnavailable', /ECONNREFUSED/);
    await rejects(openStore(options, parts), 'ServiceUnavailable', /ECONNREFUSED/);
  });

  test('state survives closing and opening; a migration is applied once', async () => {
    const databaseUrl = await newDatabase('again');
    const version = aVersion();
    for (const expected of [0, 1]) {
      const store = await openStore({ home: join(home, 'again'), databaseUrl, region: 'us-east-1' }, parts);
      const all = await store.functions.all();
      assert.equal(all.length, expected);
      if (expected === 0) await store.functions.create(version);
      else assert.deepEqual(all, [version]);
      await store.close();
    }
  });

  test('what someone wrote into the table is refused with its name, not half believed', async () => {
    const databaseUrl = await newDatabase('tampered');
    const store = await openDatabase({ connectionString: databaseUrl }, 'us-east-1', parts);
    const version = aVersion({ name: 'spoilt' });
    await store.functions.create(version);
    const client = new Client(databaseUrl);
    await client.connect();
    await client.query(`update hearth.function_version set document = document - 'handler' || '{"memoryMb": -1}'`);
    await client.end();
    await rejects(store.functions.all(), 'ServiceException', /spoilt.*(handler|memoryMb).*(handler|memoryMb)/);
    await store.close();
  });

  test('an edited migration, and one from the future, are refused', async () => {
    const client = new Client(await newDatabase('history'));
    await client.connect();
    const names = MIGRATIONS.map((m) => m.name);
    assert.deepEqual(await migrate(client, MIGRATIONS), names);
    assert.deepEqual(await migrate(client, MIGRATIONS), []);
    await rejects(
      migrate(
        client,
        MIGRATIONS.map((m) => ({ ...m, sql: `${m.sql} ` })),
      ),
      'ServiceUnavailable',
      /was changed afterwards/,
    );
    await rejects(migrate(client, []), 'ServiceUnavailable', /newer Hearth/);
    const broken = [...MIGRATIONS, { name: '9999-broken', sql: 'create table hearth.half (a int); select 1/0' }];
    await rejects(migrate(client, broken), 'ServiceUnavailable', /9999-broken.*division by zero/);
    const { rows } = await client.query("select to_regclass('hearth.half') as half");
    assert.deepEqual(rows, [{ half: null }]);
    await client.end();
  });

  test('what had come to rest in the default partition moves when its day gets one', async () => {
    const databaseUrl = await newDatabase('partitions');
    const start = Date.now();
    const record = aRecord({ startedAtMs: start, functionName: 'moved' });
    const early = await openDatabase({ connectionString: databaseUrl }, 'us-east-1', { ...parts, clock: { ...systemClock, now: () => 0 } });
    await early.usage.append([record]);
    await early.close();
    const store = await openDatabase({ connectionString: databaseUrl }, 'us-east-1', parts);
    await store.usage.append([record, aRecord({ startedAtMs: start, functionName: 'new' })]);
    const client = new Client(databaseUrl);
    await client.connect();
    const { rows } = await client.query(
      'select c.relname as place, u.function_name as name from hearth.usage u join pg_class c on c.oid = u.tableoid order by name',
    );
    await client.end();
    await store.close();
    const day = new Date(start).toISOString().slice(0, 10).replaceAll('-', '');
    assert.deepEqual(rows, [
      { place: `usage_${day}`, name: 'moved' },
      { place: `usage_${day}`, name: 'new' },
    ]);
  });

  test("a value that the database can not hold is the caller's error", async () => {
    const store = await open('nul');
    await rejects(store.functions.create(aVersion({ environment: { A: 'a\0b' } })), 'InvalidParameterValueException');
    await rejects(store.usage.append([aRecord(), aRecord({ billedMs: 0.5 })]), 'InvalidParameterValueException');
    await store.close();
  });
});
