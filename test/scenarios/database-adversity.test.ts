import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from 'pg';
import { backfill } from '../../src/triggers/database/backfill.ts';
import { slotName } from '../../src/triggers/database/catalog.ts';
import { ChangeWorld, databaseRecord, MemoryChangeLedger, ownWorld, running } from '../fixtures/changes.ts';
import { until } from './until.ts';

describe('what others do to tables and to the server while changes are followed', () => {
  const own = ownWorld();

  test('an application may write as before, whatever tells the rows of its tables apart', async () => {
    const kinds: Record<string, string> = {
      late_key: 'create table late_key (id int primary key deferrable, n int)',
      dropped_index:
        'create table dropped_index (id int not null, n int); create unique index dropped_i on dropped_index (id); alter table dropped_index replica identity using index dropped_i; drop index dropped_i',
      part_full:
        'create table part_full (id int, n int) partition by list (id); create table part_full_1 partition of part_full for values in (1); alter table part_full replica identity full',
    };
    for (const [table, made] of Object.entries(kinds)) {
      await own.world.query(made);
      const { source, record } = await own.world.follow({ table });
      await own.world.query(`insert into ${table} values (1, 1)`);
      await assert.doesNotReject(own.world.query(`update ${table} set n = 2`), table);
      await assert.doesNotReject(own.world.query(`delete from ${table}`), table);
      assert.match(source.status(record.id)?.detail ?? '', /only inserts are seen/);
    }
  });

  test('a table that loses what tells its rows apart is followed on, by a role that is no superuser too', async () => {
    await own.world.query(
      "create role limited login replication password 'limited'; grant create on database app to limited; create schema lim authorization limited",
    );
    const config = { ...own.database.server.connection('app'), user: 'limited', password: 'limited' };
    const limited = await ChangeWorld.open(config);
    await limited.query('create table lim.a (id int primary key, n int)');
    const ledger = new MemoryChangeLedger();
    const source = limited.open(ledger);
    const record = databaseRecord({ tables: ['lim.a', 'lim.b'] });
    source.start(record);
    await running(source, record);
    await limited.query('create table lim.b (id int, n int)');
    await until(() => source.status(record.id)?.detail?.includes('only inserts are seen') === true);
    await limited.query('insert into lim.b values (1, 1); insert into lim.a values (1, 1)');
    const records = await ledger.have(2);
    assert.deepEqual(
      records.map((r) => r.source['table']),
      ['b', 'a'],
    );
    await source.remove(record);
    await limited.close();
  });

  test('the server may be ended while somebody has a transaction open for hours', async () => {
    await own.world.query('create table waits (id int primary key)');
    const open = new Client(own.database.server.connection('app'));
    await open.connect();
    await open.query('begin');
    await open.query('select pg_current_xact_id()');
    const ledger = new MemoryChangeLedger();
    const first = own.world.open(ledger);
    const record = databaseRecord({ table: 'waits' });
    const slots = () => own.world.query('select 1 from pg_replication_slots where slot_name = $1', [slotName(record.id)]);
    first.start(record);
    await until(async () => (await slots()).length === 1);
    await first.close();
    await until(async () => (await slots()).length === 0);
    const second = own.world.open(ledger);
    second.start(record);
    await until(async () => (await slots()).length === 1);
    await open.query('commit');
    await open.end();
    await running(second, record);
    await own.world.query('insert into waits values (1)');
    await ledger.have(1);
    await second.remove(record);
  });

  test('and while it waits for that before the slot is made, since a table is missing', async () => {
    const open = new Client(own.database.server.connection('app'));
    await open.connect();
    await open.query('begin');
    await open.query('select pg_current_xact_id()');
    const source = own.world.open(new MemoryChangeLedger());
    const record = databaseRecord({ table: 'never_made' });
    source.start(record);
    await until(() => /waits for the end of transactions/.test(source.status(record.id)?.detail ?? ''));
    await source.close();
    await open.query('commit');
    await open.end();
    const again = own.world.open(new MemoryChangeLedger());
    await again.remove(record);
    await again.close();
  });

  test('rows that are there are read as they are taken, however large they are', async () => {
    await own.world.query('create table large (id int primary key, content text); alter table large alter content set storage external');
    await own.world.query("insert into large select i, repeat('x', 3000000) from generate_series(1, 40) i");
    const client = new Client(own.database.server.connection('app'));
    await client.connect();
    await client.query('begin isolation level repeatable read');
    const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
    const place = { systemId: '1', timeline: 1, commitLsn: 1n, index: -1 };
    const options = { config: own.world.config, snapshot: rows[0]?.snapshot ?? '', place, now: () => 0, sessions: { add: () => {} } };
    const seen: number[] = [];
    for await (const changes of backfill({ ...options, tables: [{ schema: 'public', table: 'large', key: ['id'] }] })) {
      seen.push(changes.length);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(
      seen.reduce((sum, n) => sum + n, 0),
      40,
    );
    assert.ok(Math.max(...seen) <= 2, seen.join());
    // Given up half-way, it ends.
    for await (const changes of backfill({ ...options, tables: [{ schema: 'public', table: 'large', key: ['id'] }] })) {
      assert.ok(changes.length <= 2);
      break;
    }
    await client.end();
  });
});
