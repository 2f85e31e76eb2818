import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { databaseRecord, ownWorld, type SeenRecord } from '../fixtures/changes.ts';
import { until } from './until.ts';

const ops = (records: readonly SeenRecord[]): string[] => records.map((r) => r.op);

describe('changes of tables', () => {
  const own = ownWorld();
  let tables = 0;
  /** A new table, followed; what `settings` says beside it. */
  async function following(columns: string, settings: object = {}) {
    const table = `t${++tables}`;
    await own.world.query(`create table ${table} (${columns})`);
    const from = own.world.ledger.records().length;
    const followed = await own.world.follow({ table, parallel: 1, ...settings });
    return { table, ...followed, seen: async (count: number) => (await own.world.ledger.have(from + count)).slice(from) };
  }

  test('an insert, an update and a delete, in Debezium’s envelope', async () => {
    const { table, seen } = await following('id int primary key, name text');
    await own.world.query(`insert into ${table} values (1, 'a')`);
    await own.world.query(`update ${table} set name = 'b' where id = 1`);
    await own.world.query(`delete from ${table} where id = 1`);
    const records = await seen(3);
    assert.deepEqual(
      records.map(({ op, before, after }) => ({ op, before, after })),
      [
        { op: 'c', before: null, after: { id: 1, name: 'a' } },
        { op: 'u', before: null, after: { id: 1, name: 'b' } },
        { op: 'd', before: { id: 1 }, after: null },
      ],
    );
    const [first] = records;
    assert.equal(first?.source['db'], 'app');
    assert.deepEqual([first?.source['schema'], first?.source['table'], first?.source['snapshot']], ['public', table, 'false']);
    assert.equal(typeof first?.source['lsn'], 'number');
    assert.equal(typeof first?.source['txId'], 'number');
    assert.match(first?.eventID ?? '', /^\d+:\d+:[0-9A-F]+\/[0-9A-F]+:0$/);
    assert.equal(new Set(records.map((r) => r.eventID)).size, 3);
  });

  test('with replica identity full there is the whole row before; a large value that was not changed is there', async () => {
    const { table, seen } = await following('id int primary key, name text, large text');
    await own.world.query(`alter table ${table} alter large set storage external`);
    await own.world.query(`insert into ${table} values (1, 'a', repeat('x', 10000))`);
    await own.world.query(`update ${table} set name = 'b'`);
    await own.world.query(`alter table ${table} replica identity full`);
    await own.world.query(`update ${table} set name = 'c'`);
    const [, plain, full] = await seen(3);
    assert.equal(plain?.after?.['large'], '__debezium_unavailable_value');
    assert.equal(full?.before?.['name'], 'b');
    assert.equal(String(full?.after?.['large']).length, 10_000);
  });

  test('a transaction that is rolled back never fires, nor does what a savepoint took back', async () => {
    const { table, seen } = await following('id int primary key');
    await own.world.query('begin');
    await own.world.query(`insert into ${table} values (1)`);
    await own.world.query('rollback');
    await own.world.query('begin');
    await own.world.query(`insert into ${table} values (2)`);
    await own.world.query('savepoint s');
    await own.world.query(`insert into ${table} values (3)`);
    await own.world.query('rollback to s');
    await own.world.query(`insert into ${table} values (4)`);
    await own.world.query('commit');
    await own.world.query(`insert into ${table} values (5)`);
    assert.deepEqual(
      (await seen(3)).map((r) => r.after?.['id']),
      [2, 4, 5],
    );
  });

  test('types', async () => {
    const { table, seen } = await following(
      `id bigint primary key, big bigint, n numeric, f float8, nan float8, b bool, at timestamptz, ts timestamp, d date, j jsonb, bytes bytea, u uuid,
       ints int[], texts text[], nothing text, t time, i interval, gone timestamptz`,
    );
    await own.world.query(
      `insert into ${table} values (1, 9007199254740993, 12345678901234567890.123, 1.5, 'NaN', true, '2026-11-24 12:00:00.123456+02', '2026-11-24 12:00:00',
        '2026-11-24', '{"a": [1]}', '\\x00ff', '0b5d5d1e-7f0f-4f0e-8f7e-000000000000', '{1,NULL,3}', $1, null, '12:30:00', '1 day 2 hours', 'infinity')`,
      [['a,b', 'say "hi"', '\\', 'NULL', '']],
    );
    const [record] = await seen(1);
    assert.deepEqual(record?.after, {
      id: 1,
      big: '9007199254740993',
      n: '12345678901234567890.123',
      f: 1.5,
      nan: 'NaN',
      b: true,
      at: '2026-11-24T10:00:00.123456Z',
      ts: '2026-11-24T12:00:00',
      d: '2026-11-24',
      j: '{"a": [1]}',
      bytes: 'AP8=',
      u: '0b5d5d1e-7f0f-4f0e-8f7e-000000000000',
      ints: [1, null, 3],
      texts: ['a,b', 'say "hi"', '\\', 'NULL', ''],
      nothing: null,
      t: '12:30:00',
      i: 'P1DT2H',
      gone: 'infinity',
    });
  });

  test('an update that gives a row another key is its end and another’s beginning, in order of both keys', async () => {
    const { table, seen } = await following('a int, b text, primary key (a, b)');
    await own.world.query(`insert into ${table} values (1, 'x')`);
    await own.world.query(`update ${table} set b = 'y'`);
    const records = await seen(3);
    assert.deepEqual(ops(records), ['c', 'd', 'c']);
    assert.deepEqual(records[1]?.before, { a: 1, b: 'x' });
    assert.deepEqual(records[2]?.after, { a: 1, b: 'y' });
    assert.equal(new Set(records.map((r) => r.eventID)).size, 3);
  });

  test('a key that lies apart from its row, being large, is the same key in an update that does not touch it', async () => {
    const { table, seen } = await following('id text, kind int, n int, primary key (id, kind)');
    await own.world.query(`alter table ${table} alter id set storage external`);
    await own.world.query(`insert into ${table} select string_agg(md5(i::text), ''), 1, 0 from generate_series(1, 75) i`);
    await own.world.query(`update ${table} set n = 1`);
    await own.world.query(`update ${table} set kind = 2`);
    const records = await seen(4);
    assert.deepEqual(ops(records), ['c', 'u', 'd', 'c']);
    const id = records[0]?.after?.['id'];
    assert.equal(String(id).length, 2_400);
    assert.deepEqual([records[1]?.before, records[1]?.after], [null, { id, kind: 1, n: 1 }]);
    assert.deepEqual(
      [records[2]?.before, records[3]?.after],
      [
        { id, kind: 1 },
        { id, kind: 2, n: 1 },
      ],
    );
  });

  test('only what is wanted: events, rows, columns', async () => {
    const { table, seen } = await following('id int primary key, state text, n int', {
      events: ['insert', 'truncate'],
      where: { state: ['ready', 'done'] },
      columns: ['n'],
    });
    await own.world.query(`insert into ${table} values (1, 'new', 1), (2, 'ready', 2), (3, 'done', 3)`);
    await own.world.query(`update ${table} set state = 'ready' where id = 1`);
    await own.world.query(`truncate ${table}`);
    const records = await seen(3);
    assert.deepEqual(
      records.map((r) => [r.op, r.after]),
      [
        ['c', { id: 2, n: 2 }],
        ['c', { id: 3, n: 3 }],
        ['t', null],
      ],
    );
  });

  test('a table that is changed midway: columns come and go', async () => {
    const { table, seen } = await following('id int primary key, a text');
    await own.world.query(`insert into ${table} values (1, 'a')`);
    await own.world.query(`alter table ${table} add b int default 7`);
    await own.world.query(`insert into ${table} (id, a) values (2, 'b')`);
    await own.world.query(`alter table ${table} drop a`);
    await own.world.query(`insert into ${table} values (3)`);
    assert.deepEqual(
      (await seen(3)).map((r) => r.after),
      [
        { id: 1, a: 'a' },
        { id: 2, a: 'b', b: 7 },
        { id: 3, b: 7 },
      ],
    );
  });

  test('a table without a key stays usable to its application, and the trigger says that it sees inserts only', async () => {
    const { table, seen, source, record } = await following('v int');
    await own.world.query(`insert into ${table} values (1)`);
    await own.world.query(`update ${table} set v = 2`); // PostgreSQL would refuse it if updates were published
    await own.world.query(`insert into ${table} values (3)`);
    assert.deepEqual(ops(await seen(2)), ['c', 'c']);
    assert.match(source.status(record.id)?.detail ?? '', /no primary key: only inserts are seen/);
  });

  test('batches: no more than so many, the changes of one row in one order, different rows side by side', async () => {
    const from = own.world.ledger.deliveries.length;
    const { table, seen, record } = await following('id int primary key, n int', {
      parallel: 4,
      batchSize: 10,
      batchingWindowSeconds: 0.05,
    });
    await own.world.query(`insert into ${table} select i, 0 from generate_series(1, 50) i`);
    for (let round = 1; round <= 5; round++) await own.world.query(`update ${table} set n = ${round}`);
    await seen(300);
    const batches = own.world.ledger.deliveries.slice(from);
    const lastOf = new Map<unknown, number>();
    const keysOf = new Map<string | null, Set<unknown>>();
    for (const delivery of batches) {
      const { Records } = JSON.parse(delivery.payload.toString()) as { Records: SeenRecord[] };
      assert.ok(Records.length <= 10);
      for (const r of Records) {
        const [id, n] = [r.after?.['id'], r.after?.['n'] as number];
        assert.equal(n, (lastOf.get(id) ?? -1) + 1, `row ${String(id)}`);
        lastOf.set(id, n);
        keysOf.set(delivery.orderKey, (keysOf.get(delivery.orderKey) ?? new Set()).add(id));
      }
    }
    assert.equal(keysOf.size, 4);
    assert.equal(
      [...keysOf.values()].reduce((sum, keys) => sum + keys.size, 0),
      50,
      'a row is in one order only',
    );
    assert.ok([...keysOf.keys()].every((key) => key?.startsWith(`${record.id}/`)));
  });

  test('what an index only includes, or a key beside the replica identity, tells no rows apart', async () => {
    const kinds = {
      covering: 'id int, n int, primary key (id) include (n)',
      indexed: 'other int primary key generated always as identity, id int not null unique, n int',
    };
    for (const [kind, columns] of Object.entries(kinds)) {
      const from = own.world.ledger.deliveries.length;
      const { table, seen } = await following(columns, { parallel: 4 });
      if (kind === 'indexed') await own.world.query(`alter table ${table} replica identity using index ${table}_id_key`);
      await own.world.query(`insert into ${table} (id, n) select i, 0 from generate_series(1, 20) i`);
      await own.world.query(`update ${table} set n = id`);
      await own.world.query(`delete from ${table}`);
      assert.deepEqual(ops(await seen(60)).toSorted(), [...Array(20).fill('c'), ...Array(20).fill('d'), ...Array(20).fill('u')], kind);
      const orders = new Map<unknown, Set<string | null>>();
      for (const { orderKey, payload } of own.world.ledger.deliveries.slice(from))
        for (const { before, after } of (JSON.parse(payload.toString()) as { Records: SeenRecord[] }).Records) {
          const id = (after ?? before)?.['id'];
          orders.set(id, (orders.get(id) ?? new Set()).add(orderKey));
        }
      assert.deepEqual([orders.size, [...orders.values()].filter((keys) => keys.size > 1)], [20, []], kind);
    }
  });

  test('a backfill reads the rows that are there and goes on with what comes, without a gap, while rows are written', async () => {
    const table = `t${++tables}`;
    await own.world.query(`create table ${table} (id int primary key)`);
    await own.world.query(`insert into ${table} select i from generate_series(1, 3000) i`);
    const from = own.world.ledger.records().length;
    const source = own.world.open();
    const record = databaseRecord({ table, backfill: true, parallel: 1 });
    source.start(record);
    let id = 3000;
    while (source.status(record.id)?.state !== 'running') await own.world.query(`insert into ${table} values ($1)`, [++id]);
    for (let more = 0; more < 20; more++) await own.world.query(`insert into ${table} values ($1)`, [++id]);
    const records = (await own.world.ledger.have(from + id)).slice(from);
    assert.deepEqual(
      records.map((r) => r.after?.['id']).sort((a, b) => Number(a) - Number(b)),
      Array.from({ length: id }, (_, i) => i + 1),
    );
    assert.ok(records.filter((r) => r.op === 'r').length >= 3000 && records.at(-1)?.op === 'c');
    assert.equal(records[0]?.source['snapshot'], 'true');
    await source.remove(record);
  });

  test('tables that are not there yet are waited for; a removed trigger leaves no slot and no publication', async () => {
    const table = `t${++tables}`;
    const source = own.world.open();
    const record = databaseRecord({ table });
    source.start(record);
    await until(() => source.status(record.id)?.state === 'waiting');
    assert.match(source.status(record.id)?.detail ?? '', new RegExp(`waits for public.${table}: there is no such table yet`));
    await own.world.query(`create table ${table} (id int primary key)`);
    await until(() => source.status(record.id)?.state === 'running');
    const made = async () => {
      const id = record.id.replaceAll('-', '_');
      const slots = await own.world.query('select 1 from pg_replication_slots where slot_name = $1', [`hearth_${id}`]);
      const publications = await own.world.query('select 1 from pg_publication where pubname like $1', [`hearth_${id}%`]);
      return [slots.length, publications.length];
    };
    assert.deepEqual(await made(), [1, 2]);
    await source.remove(record);
    assert.deepEqual(await made(), [0, 0]);
    await source.remove(record); // again: fine
  });

  test('a table that comes later is seen from its first row on, whoever makes it, updates too, and in the transaction that makes it', async () => {
    const [table, keyless] = [`t${++tables}`, `t${++tables}`];
    const source = own.world.open();
    const record = databaseRecord({ tables: [table, keyless], parallel: 1 });
    source.start(record);
    await until(() => source.status(record.id)?.state === 'waiting');
    const from = own.world.ledger.records().length;
    await own.world.query('create role maker');
    await own.world.query('grant create on schema public to maker');
    // One transaction of one statement text, and the next at once: nobody waits for anything here.
    await own.world.query(
      `begin; set local role maker; create table ${table} (id int primary key, n int); insert into ${table} values (1, 0); commit`,
    );
    await own.world.query(`update ${table} set n = 1; delete from ${table}; insert into ${table} values (2, 0)`);
    await own.world.query(`create table ${keyless} (id int, n int); insert into ${keyless} values (1, 0)`);
    await own.world.query(`alter table ${keyless} add primary key (id); update ${keyless} set n = 1`);
    const seen = (await own.world.ledger.have(from + 6)).slice(from);
    assert.deepEqual(
      seen.map((r) => [r.source['table'], r.op, (r.after ?? r.before)?.['id']]),
      [
        [table, 'c', 1],
        [table, 'u', 1],
        [table, 'd', 1],
        [table, 'c', 2],
        [keyless, 'c', 1],
        [keyless, 'u', 1],
      ],
    );
    await until(() => source.status(record.id)?.state === 'running');
    await source.remove(record);
    const ours = `hearth_${record.id.replaceAll('-', '_')}`;
    assert.deepEqual(await own.world.query('select 1 from pg_event_trigger where evtname = $1', [ours]), []);
    assert.deepEqual(await own.world.query('select 1 from pg_proc where proname = $1', [ours]), []);
    await own.world.query(`drop table ${table}, ${keyless}`);
    await own.world.query('drop owned by maker');
    await own.world.query('drop role maker');
  });

  test('slots that no trigger reads are dropped, those of triggers stay', async () => {
    const { source, record } = await following('id int primary key');
    const orphan = 'hearth_00000000_0000_4000_8000_000000000000';
    await own.world.query(`select pg_create_logical_replication_slot('${orphan}', 'pgoutput')`);
    await own.world.query(`create publication "${orphan}"`);
    const others = await own.world.query("select slot_name from pg_replication_slots where slot_name like 'hearth_%' and active");
    const known = others.map((r) => String(r['slot_name']).replace('hearth_', '').replaceAll('_', '-'));
    assert.deepEqual(await source.dropOrphans(own.world.config, [...known, record.id]), [orphan]);
    assert.deepEqual(await own.world.query('select 1 from pg_publication where pubname = $1', [orphan]), []);
  });
});
