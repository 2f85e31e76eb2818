import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { openTestDatabase, type TestDatabase } from '../../test/fixtures/test-database.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { aDelivery } from '../model/testing/a-delivery.ts';
import { openDatabase, type DatabaseStore } from './postgres-store.ts';

describe('the ledger takes deliveries', () => {
  let database: TestDatabase;
  let store: DatabaseStore;
  let client: Client;
  before(async () => {
    database = await openTestDatabase();
    store = await openDatabase(database.connection, 'us-east-1', { clock: systemClock, log: silent });
    client = new Client(database.connection);
    await client.connect();
  });
  after(async () => {
    await client.end();
    await store.close();
    await database.close();
  });
  beforeEach(() => client.query('delete from hearth.delivery'));
  const rows = async (): Promise<Record<string, unknown>[]> => (await client.query('select * from hearth.delivery order by seq')).rows;

  it('keeps all that it was given', async () => {
    const payload = Buffer.from([0, 255, 128, 10]);
    await store.intake.accept([
      aDelivery({ id: 'e', subject: 'b/ü "k"', payload, lineage: 'l', traceId: 't', qualifier: '7', occurredAtMs: 1_000 }),
    ]);
    const [row] = await rows();
    assert.deepEqual(row?.['payload'], payload);
    assert.equal(row?.['subject'], 'b/ü "k"');
    assert.equal(row?.['qualifier'], '7');
    assert.equal(row?.['state'], 'ready');
    assert.equal((row?.['occurred_at'] as Date | undefined)?.getTime(), 1_000);
  });

  it('is one delivery, however often and in however many calls it is given', async () => {
    const given = aDelivery();
    await Promise.all(Array.from({ length: 20 }, () => store.intake.accept([given, given])));
    await store.intake.accept([given, { ...given, functionId: 'f-2' }]);
    assert.deepEqual(
      (await rows()).map((r) => r['function_id']),
      ['f-1', 'f-2'],
    );
  });

  it('holds what waits behind an earlier one of its key, and never the first', async () => {
    const of = (id: string, orderKey: string | null) => aDelivery({ id, orderKey });
    await store.intake.accept([of('1', 'a'), of('2', 'a'), of('3', 'b'), of('4', null)]);
    await store.intake.accept([of('1', 'a'), of('5', 'a')]);
    await client.query(`update hearth.delivery set state = 'succeeded' where order_key = 'b'`);
    await store.intake.accept([of('3', 'b'), of('6', 'b')]);
    assert.deepEqual(
      (await rows()).map((r) => `${String(r['event_id'])} ${String(r['state'])}`),
      ['1 ready', '2 held', '3 succeeded', '4 ready', '5 held', '6 ready'],
    );
  });

  it('lets one of a key out when many come at once', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, i) => store.intake.accept([aDelivery({ orderKey: `k${i % 20}` })])));
    const ready = (await rows()).filter((r) => r['state'] === 'ready');
    assert.deepEqual(ready.map((r) => String(r['order_key'])).sort(), Array.from({ length: 20 }, (_, i) => `k${i}`).sort());
  });

  it('tells of them when they are committed, with the lane', async () => {
    const listener = new Client(database.connection);
    await listener.connect();
    await listener.query('listen hearth_delivery');
    const told = new Promise((resolve) => listener.once('notification', (n) => resolve(n.payload)));
    await store.intake.accept([aDelivery({ functionId: 'f-9' })]);
    assert.equal(await told, 'f-9');
    await listener.end();
  });

  it('refuses nobody for what another gave', async () => {
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 5 }, () => store.intake.accept([aDelivery()])),
      store.intake.accept([aDelivery({ subject: 'a\0b' })]),
      ...Array.from({ length: 5 }, () => store.intake.accept([aDelivery()])),
    ]);
    assert.deepEqual(
      outcomes.filter((o) => o.status === 'rejected').map((o) => (o.reason as { code: string }).code),
      ['InvalidParameterValueException'],
    );
    assert.equal((await rows()).length, 10);
  });
});
