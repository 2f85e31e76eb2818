import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { NewDelivery } from '../../src/model/delivery.ts';
import { away, databaseRecord, MemoryChangeLedger, ownWorld, running, type SeenRecord } from '../fixtures/changes.ts';
import { until } from './until.ts';

/** What was written to a row, in the order in which it was seen. */
function historyOf(records: readonly SeenRecord[]): Map<unknown, number[]> {
  const history = new Map<unknown, number[]>();
  for (const { after } of records) {
    if (after === null) continue;
    const seen = history.get(after['id']) ?? [];
    seen.push(after['n'] as number);
    history.set(after['id'], seen);
  }
  return history;
}

/** A database that is busy with others. */
class SlowChangeLedger extends MemoryChangeLedger {
  override async append(...written: Parameters<MemoryChangeLedger['append']>): Promise<void> {
    await wait(20);
    await super.append(...written);
  }
}

describe('changes of tables, when things fail', () => {
  const own = ownWorld();
  let tables = 0;
  const newTable = async (): Promise<string> => {
    const table = `f${++tables}`;
    await own.world.query(`create table ${table} (id int primary key, n int, filler text)`);
    return table;
  };

  test('killed before and after the write, at any point, again and again: every change once, none out of order, none rolled back', async () => {
    const table = await newTable();
    const ledger = new MemoryChangeLedger();
    let writes = 0;
    ledger.before = () => void (++writes % 3 === 0 && away());
    ledger.after = (deliveries) => void (deliveries.length > 0 && writes % 5 === 0 && away());
    const record = databaseRecord({ table, batchSize: 7, parallel: 3 });
    let source = own.world.open(ledger);
    source.start(record);
    await running(source, record);
    for (let round = 0; round < 12; round++) {
      await own.world.query(
        `insert into ${table} select i, ${round} from generate_series(1, 20) i on conflict (id) do update set n = excluded.n`,
      );
      await own.world.query('begin');
      await own.world.query(`update ${table} set n = -1`);
      await own.world.query('rollback');
      if (round % 4 === 3) {
        await source.close(); // and a new server takes over
        source = own.world.open(ledger);
        source.start(record);
      }
    }
    const records = await ledger.have(12 * 20);
    const history = historyOf(records);
    assert.equal(history.size, 20);
    for (const [id, seen] of history)
      assert.deepEqual(
        seen,
        Array.from({ length: 12 }, (_, i) => i),
        `row ${String(id)}`,
      );
    await source.remove(record);
  });

  test('a slot that the server before still streams is waited for', async () => {
    const table = await newTable();
    const record = databaseRecord({ table });
    const ledger = new MemoryChangeLedger();
    const first = own.world.open(ledger);
    first.start(record);
    await running(first, record);
    const second = own.world.open(ledger);
    second.start(record);
    await until(() => /still streams the slot/.test(second.status(record.id)?.detail ?? ''));
    await first.close();
    await running(second, record);
    await own.world.query(`insert into ${table} values (1, 1)`);
    assert.equal((await ledger.have(1)).length, 1);
    await second.remove(record);
  });

  test('PostgreSQL is killed under load and comes back: every committed row, none that was not', async () => {
    const table = await newTable();
    const record = databaseRecord({ table });
    const ledger = new MemoryChangeLedger();
    const source = own.world.open(ledger);
    source.start(record);
    await running(source, record);
    const committed = new Set<number>();
    const unknown = new Set<number>();
    for (let n = 1; n <= 300; n++) {
      if (n === 100 || n === 200) process.kill(own.database.server.pid, n === 100 ? 'SIGQUIT' : 'SIGKILL');
      try {
        await own.world.query(`insert into ${table} values ($1, $1)`, [n]);
        committed.add(n);
      } catch {
        unknown.add(n); // committed or not: the answer was lost
        await until(() =>
          own.world.reconnect().then(
            () => true,
            () => false,
          ),
        );
      }
    }
    assert.ok(unknown.size > 0);
    const there = new Set((await own.world.query(`select id from ${table}`)).map((r) => r['id'] as number));
    for (const n of committed) assert.ok(there.has(n));
    const seen = (await ledger.have(there.size)).map((r) => r.after?.['id'] as number);
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      [...there].sort((a, b) => a - b),
    );
    await source.remove(record);
  });

  test('a very large transaction is written in bounded pieces, and is taken up in its middle', async () => {
    const table = await newTable();
    const record = databaseRecord({ table, batchSize: 100, parallel: 2 });
    const ledger = new MemoryChangeLedger();
    let most = 0;
    let writes = 0;
    ledger.before = (deliveries: readonly NewDelivery[]) => {
      most = Math.max(
        most,
        deliveries.reduce((sum, d) => sum + d.payload.length, 0),
      );
      if (++writes === 20) away();
    };
    const source = own.world.open(ledger);
    source.start(record);
    await running(source, record);
    const troubles = new Set<string | null>();
    const watching = setInterval(() => {
      const status = source.status(record.id);
      if (status?.state === 'waiting' && !/still streams/.test(status.detail ?? '')) troubles.add(status.detail);
    }, 5);
    await own.world.query(`insert into ${table} select i, i, repeat(md5(i::text), 30) from generate_series(1, 8000) i`);
    const records = await ledger.have(8_000);
    clearInterval(watching);
    assert.equal(new Set(records.map((r) => r.eventID)).size, 8_000);
    assert.equal(new Set(records.map((r) => r.source['txId'])).size, 1);
    // What waits its turn must not be written over by what comes after it.
    for (const { after } of records) {
      const digest = createHash('md5').update(String(after?.['id'])).digest('hex');
      assert.ok(after?.['filler'] === digest.repeat(30), `row ${String(after?.['id'])}`);
    }
    assert.deepEqual([...troubles], ['the ledger is away']);
    assert.ok(most < 2 * 100 * 2_500, `${most} bytes in one write`);
    await source.remove(record);
  });

  test('a transaction that takes longer to take than the server waits for an answer is read in one go', async () => {
    const table = await newTable();
    const record = databaseRecord({ table, batchSize: 100, parallel: 1 });
    const ledger = new SlowChangeLedger();
    let source = own.world.open(ledger);
    source.start(record);
    await running(source, record);
    await source.close();
    // More than may wait in memory, so that the socket is not read for a while; and nothing of it can be acknowledged before its end.
    await own.world.query(`insert into ${table} select i, i, repeat('z', 500) from generate_series(1, 20000) i`);
    await own.world.query("alter role current_user set wal_sender_timeout = '1s'");
    try {
      source = own.world.open(ledger);
      source.start(record);
      const states = new Set<string>();
      await until(() => {
        states.add(source.status(record.id)?.state ?? '');
        return ledger.records().length >= 20_000;
      });
      assert.ok(!states.has('waiting'), [...states].join(', '));
    } finally {
      await own.world.query('alter role current_user reset wal_sender_timeout');
    }
    await source.remove(record);
  });

  test('rows of megabytes: an event is closed at its size, however few rows it has', async () => {
    const table = await newTable();
    const record = databaseRecord({ table, parallel: 1, batchSize: 1000, batchingWindowSeconds: 0.2 });
    const ledger = new MemoryChangeLedger();
    const source = own.world.open(ledger);
    source.start(record);
    await running(source, record);
    await own.world.query(`insert into ${table} select i, i, repeat('y', 400000) from generate_series(1, 30) i`);
    await ledger.have(30);
    assert.ok(ledger.deliveries.every((d) => d.payload.length <= 1024 * 1024 + 1000));
    await source.remove(record);
  });

  test('an idle table does not hold the log back while others are written', async () => {
    const [idle, busy] = [await newTable(), await newTable()];
    const { source, record } = await own.world.follow({ table: idle });
    await own.world.query(`insert into ${busy} select i, i, repeat('z', 500) from generate_series(1, 5000) i`);
    const [now] = await own.world.query('select pg_current_wal_lsn()::text as lsn');
    await until(async () => {
      await own.world.query(`insert into ${busy} values ((select max(id) + 1 from ${busy}), 1)`);
      const [slot] = await own.world.query(
        'select confirmed_flush_lsn >= $1::pg_lsn as past from pg_replication_slots where slot_name = $2',
        [now?.['lsn'], `hearth_${record.id.replaceAll('-', '_')}`],
      );
      return slot?.['past'] === true;
    });
    assert.equal(source.status(record.id)?.events, 0);
  });

  test('a slot that was dropped, and one that lost what it needs, say so and what to do', async () => {
    const table = await newTable();
    const ledger = new MemoryChangeLedger();
    const [dropped, lost] = [databaseRecord({ table }), databaseRecord({ table })];
    const source = own.world.open(ledger);
    for (const record of [dropped, lost]) {
      source.start(record);
      await running(source, record);
    }
    for (const record of [dropped, lost]) await source.stop(record.id);
    const slot = (record: { id: string }): string => `hearth_${record.id.replaceAll('-', '_')}`;
    await until(
      async () =>
        (await own.world.query('select 1 from pg_replication_slots where active and slot_name = any($1)', [[slot(dropped), slot(lost)]]))
          .length === 0,
    );
    await own.world.query('select pg_drop_replication_slot($1)', [slot(dropped)]);
    await own.world.query("alter system set max_slot_wal_keep_size = '1MB'");
    await own.world.query('select pg_reload_conf()');
    await until(async () => {
      await own.world.query(`insert into ${table} select 1, 1 where not exists (select 1 from ${table})`);
      await own.world.query('select pg_switch_wal()');
      await own.world.query('checkpoint');
      const [row] = await own.world.query('select wal_status from pg_replication_slots where slot_name = $1', [slot(lost)]);
      return row?.['wal_status'] === 'lost';
    });
    await own.world.query('alter system reset max_slot_wal_keep_size');
    await own.world.query('select pg_reload_conf()');
    const again = own.world.open(ledger);
    again.start(dropped);
    again.start(lost);
    await until(() => [dropped, lost].every((r) => again.status(r.id)?.state === 'failed'));
    assert.match(again.status(dropped.id)?.detail ?? '', /slot is gone.*another `name`/);
    assert.match(again.status(lost.id)?.detail ?? '', /changes since the last one delivered are lost.*another `name`/);
    for (const record of [dropped, lost]) await again.remove(record);
  });
});
