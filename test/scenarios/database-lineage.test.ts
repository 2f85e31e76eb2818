import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { databaseRecord, MemoryChangeLedger, ownWorld, running } from '../fixtures/changes.ts';

describe('the chain of events that changes of tables belong to', () => {
  const own = ownWorld();
  let tables = 0;
  /** A new table, followed by a ledger of its own. */
  async function following(settings: object = {}) {
    const table = `l${++tables}`;
    await own.world.query(`create table ${table} (id int primary key)`);
    const record = databaseRecord({ table, parallel: 1, ...settings });
    const ledger = new MemoryChangeLedger();
    const source = own.world.open(ledger);
    source.start(record);
    await running(source, record);
    return { table, record, ledger, source };
  }
  const say = (lineage: string, transactional = true, prefix = 'hearth.lineage') =>
    own.world.query('select pg_logical_emit_message($1, $2, $3)', [transactional, prefix, lineage]);
  const insert = (table: string, ...ids: number[]) => own.world.query(`insert into ${table} select unnest($1::int[])`, [ids]);
  async function transaction(...steps: (() => Promise<unknown>)[]): Promise<void> {
    await own.world.query('begin');
    for (const step of steps) await step();
    await own.world.query('commit');
  }
  /** Which rows are of which chain, batch by batch. */
  const seen = (ledger: MemoryChangeLedger) =>
    ledger.deliveries.map(({ lineage, payload }) => {
      const { Records } = JSON.parse(payload.toString()) as { Records: { after: { id: number } }[] };
      return [lineage, ...Records.map((r) => r.after.id)];
    });

  test('is what its transaction says; without a word, or when that was taken back, it is none', async () => {
    const { table, ledger, source, record } = await following();
    await insert(table, 1);
    await transaction(
      () => say('c:3'),
      () => insert(table, 2, 3),
    );
    await own.world.query('begin');
    await say('c:4');
    await insert(table, 90);
    await own.world.query('rollback');
    await insert(table, 4);
    await transaction(
      () => own.world.query('savepoint s'),
      () => say('c:5'),
      () => own.world.query('rollback to s'),
      () => insert(table, 5),
    );
    // Said in the trace header, as functions have it; what is said outside of transactions, of other things, or is no lineage says nothing.
    await transaction(
      () => say('Root=1-0-a;Parent=b;Lineage=d:6'),
      () => insert(table, 6),
    );
    await say('e:7', false);
    await transaction(
      () => say('e:7', false),
      () => say('e:7', true, 'another'),
      () => say('no lineage'),
      () => say(`${'x'.repeat(2_000)};Lineage=e:7`),
      () => say(''),
      () => insert(table, 7),
    );
    await ledger.have(7);
    assert.deepEqual(
      ledger.deliveries.flatMap((_, i) => {
        const [lineage, ...ids] = seen(ledger)[i] ?? [];
        return ids.map((id) => [id, lineage]);
      }),
      [
        [1, ''],
        [2, 'c:3'],
        [3, 'c:3'],
        [4, ''],
        [5, ''],
        [6, 'd:6'],
        [7, ''],
      ],
    );
    await source.remove(record);
  });

  test('holds for what is written afterwards in the transaction, and the furthest of several counts', async () => {
    const { table, ledger, source, record } = await following();
    await transaction(
      () => insert(table, 1),
      () => say('c:2'),
      () => insert(table, 2),
      () => say('d:9'),
      () => say('e:5'),
      () => insert(table, 3),
    );
    await ledger.have(3);
    assert.deepEqual(seen(ledger), [
      ['', 1],
      ['c:2', 2],
      ['d:9', 3],
    ]);
    await source.remove(record);
  });

  test('what is equally far goes into one batch, of whatever chain; what is not does not', async () => {
    const { table, ledger, source, record } = await following({ batchingWindowSeconds: 60, batchSize: 7 });
    await insert(table, 1, 2);
    for (const [lineage, id] of [
      ['a:1', 3],
      ['b:1', 4],
      ['a:2', 5],
    ] as const)
      await transaction(
        () => say(lineage),
        () => insert(table, id),
      );
    await insert(table, 6, 7);
    await ledger.have(7);
    assert.deepEqual(seen(ledger), [
      ['', 1, 2],
      ['a:1', 3, 4],
      ['a:2', 5],
      ['', 6, 7],
    ]);
    await source.remove(record);
  });

  test('is there again when a transaction is read again from its midst, and a backfill has none', async () => {
    const { table, ledger, source, record } = await following({ batchSize: 1 });
    // The ledger goes away after the first row of the transaction: a new session begins the transaction again, and leaves out that row.
    let written = 0;
    ledger.before = (deliveries) => {
      if (deliveries.length > 0 && ++written === 2) throw new Error('away');
    };
    await transaction(
      () => say('c:8'),
      () => insert(table, 1, 2, 3),
    );
    await ledger.have(3);
    assert.ok(written > 3, 'it was away');
    assert.deepEqual(seen(ledger), [
      ['c:8', 1],
      ['c:8', 2],
      ['c:8', 3],
    ]);
    await source.remove(record);
    const filling = databaseRecord({ table, parallel: 1, backfill: true });
    const filled = new MemoryChangeLedger();
    const another = own.world.open(filled);
    another.start(filling);
    await filled.have(3);
    assert.deepEqual(seen(filled), [['', 1, 2, 3]]);
    await another.remove(filling);
  });
});
