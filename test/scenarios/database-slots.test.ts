import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { DatabaseSource } from '../../src/triggers/database/database-source.ts';
import { away, databaseRecord, MemoryChangeLedger, ownWorld, running } from '../fixtures/changes.ts';
import { silent } from '../silent-log.ts';
import { until } from './until.ts';

describe('replication slots of triggers', () => {
  const own = ownWorld();
  let tables = 0;
  const newTable = async (): Promise<string> => {
    const table = `s${++tables}`;
    await own.world.query(`create table ${table} (id int primary key, filler text)`);
    return table;
  };
  const fill = (table: string) =>
    own.world.query(
      `insert into ${table} select i, repeat('x', 500) from generate_series(1, 5000) i on conflict (id) do update set filler = 'y'`,
    );
  const lag = (source: DatabaseSource, id: string): number => source.status(id)?.lagBytes ?? 0;

  test('how far behind one is, is shown: while the ledger is away, and while the trigger is disabled', async () => {
    const table = await newTable();
    const record = databaseRecord({ table, parallel: 1 });
    const ledger = new MemoryChangeLedger();
    const source = own.world.open(ledger);
    source.start(record);
    await running(source, record);
    ledger.before = () => away();
    await fill(table);
    await until(() => source.status(record.id)?.state === 'waiting' && lag(source, record.id) > 1_000_000);
    ledger.before = () => {};
    await until(() => new Set(ledger.records().map((r) => r.after?.['id'])).size === 5_000);
    await until(async () => {
      await own.world.query('select pg_logical_emit_message(false, $1, $2)', ['test', 'on']);
      return source.status(record.id)?.state === 'running' && lag(source, record.id) < 100_000;
    });
    const disabled = { ...record, configuration: { ...record.configuration, enabled: false } };
    await source.stop(record.id);
    await fill(table);
    source.start(disabled);
    await until(() => lag(source, record.id) > 1_000_000);
    const { state, detail } = source.status(record.id) ?? {};
    assert.equal(state, 'disabled');
    assert.match(detail ?? '', /its slot keeps what changes until it is enabled, up to max_slot_wal_keep_size/);
    await source.remove(disabled);
  });

  test('a table that somebody takes out of the publication is put back, and the trigger says what was not seen', async () => {
    const table = await newTable();
    // While one is waited for, it looks every two seconds.
    const { source, record } = await own.world.follow({ tables: [table, 'never_there'], parallel: 1 });
    const publication = `hearth_${record.id.replaceAll('-', '_')}`;
    const said = () => source.status(record.id)?.detail ?? '';
    assert.doesNotMatch(said(), /not seen/);
    await own.world.query(`alter publication "${publication}" drop table ${table}`);
    await until(() => new RegExp(`public\\.${table} was taken out of .*: what changed in between was not seen`).test(said()));
    await source.stop(record.id);
    await own.world.query(`drop publication "${publication}"`);
    source.start(record);
    await until(() => source.status(record.id)?.state === 'running');
    assert.match(said(), /was taken out of .*: what changed in between was not seen/);
    await own.world.query(`insert into ${table} values (1)`);
    await until(() => own.world.ledger.records().some((r) => r.source['table'] === table));
    await source.stop(record.id);
    source.start(record);
    await until(() => source.status(record.id)?.state === 'running');
    assert.doesNotMatch(said(), /not seen/);
    await source.remove(record);
  });

  test('the bundled server caps what one keeps; where there is no cap, or one is about to be lost, the trigger says so and what to do', async () => {
    const setting = async () => (await own.world.query('select current_setting($1) as value', ['max_slot_wal_keep_size']))[0]?.['value'];
    const set = async (value: string) => {
      await own.world.query(`alter system set max_slot_wal_keep_size = '${value}'`);
      await own.world.query('select pg_reload_conf()');
      await until(async () => (await setting()) === value);
    };
    assert.equal(await setting(), '1GB');
    const table = await newTable();
    await set('-1');
    const { source, record } = await own.world.follow({ table });
    assert.match(source.status(record.id)?.detail ?? '', /max_slot_wal_keep_size is not set on the server: .*set it, to 1GB for example/);
    await source.stop(record.id);
    await set('1MB');
    const slot = `hearth_${record.id.replaceAll('-', '_')}`;
    await until(async () => {
      await fill(table);
      await own.world.query('select pg_switch_wal()');
      await own.world.query('checkpoint');
      const [row] = await own.world.query('select wal_status from pg_replication_slots where slot_name = $1', [slot]);
      return row?.['wal_status'] === 'lost';
    });
    const disabled = { ...record, configuration: { ...record.configuration, enabled: false } };
    source.start(disabled);
    await until(() => /changes since the last one delivered are lost.*another `name`/.test(source.status(record.id)?.detail ?? ''));
    assert.equal(source.status(record.id)?.state, 'disabled');
    await own.world.query('alter system reset max_slot_wal_keep_size');
    await own.world.query('select pg_reload_conf()');
    await source.remove(disabled);
  });

  test('a role that is no superuser follows what it owns, and leaves nothing behind', async () => {
    await own.world.query("create role follows login replication password 'f'");
    await own.world.query('grant create on database app to follows');
    await own.world.query('grant create on schema public to follows');
    const table = await newTable();
    await own.world.query(`alter table ${table} owner to follows`);
    await own.world.query(`insert into ${table} values (0, 'there')`);
    const config = { ...own.world.config, user: 'follows', password: 'f' };
    const ledger = new MemoryChangeLedger();
    const source = new DatabaseSource({ connection: () => config, lineageAt: () => null, ledger, clock: systemClock, log: silent });
    const later = `s${++tables}`;
    const record = databaseRecord({ tables: [table, later], backfill: true, parallel: 1 });
    source.start(record);
    await running(source, record);
    await own.world.query(`insert into ${table} values (1, 'seen')`);
    assert.deepEqual(
      (await ledger.have(2)).map((r) => [r.op, r.after?.['id']]),
      [
        ['r', 0],
        ['c', 1],
      ],
    );
    // One that comes later is looked for, since only a superuser may have it told.
    assert.match(source.status(record.id)?.detail ?? '', new RegExp(`there is no table public.${later} yet`));
    await own.world.query(`create table ${later} (id int primary key); alter table ${later} owner to follows`);
    await until(() => source.status(record.id)?.detail === null);
    await own.world.query(`insert into ${later} values (2)`);
    assert.equal((await ledger.have(3)).at(-1)?.after?.['id'], 2);
    await source.remove(record);
    for (const [from, name] of [
      ['pg_replication_slots', 'slot_name'],
      ['pg_publication', 'pubname'],
      ['pg_event_trigger', 'evtname'],
    ])
      assert.deepEqual(
        await own.world.query(`select 1 from ${from} where ${name} like $1`, [`hearth_${record.id.replaceAll('-', '_')}%`]),
        [],
      );
    await own.world.query(`drop table ${table}, ${later}`);
    await own.world.query('drop owned by follows');
    await own.world.query('drop role follows');
  });
});
