import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { randomUUID } from 'node:crypto';
import { openTestDatabase, type TestDatabase } from '../../test/fixtures/test-database.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { aDelivery } from '../model/testing/a-delivery.ts';
import type { TriggerRecord } from '../model/trigger-record.ts';
import { openPool } from './connection.ts';
import { openDatabase, type DatabaseStore } from './postgres-store.ts';

function aTrigger(changes: Partial<TriggerRecord<'schedule'>> = {}): TriggerRecord<'schedule'> {
  return {
    id: randomUUID(),
    accountId: '000000000000',
    region: 'us-east-1',
    functionId: randomUUID(),
    functionName: 'report',
    kind: 'schedule',
    configuration: { cron: '0 6 * * *', timezone: 'Europe/Madrid', input: { deep: [null, 'ü', 1.5] } },
    changedAtMs: 1_700_000_000_123,
    retired: false,
    ...changes,
  };
}

describe('triggers in PostgreSQL', () => {
  let database: TestDatabase;
  let store: DatabaseStore;
  const query = async (text: string): Promise<Record<string, unknown>[]> => {
    const pool = openPool(database.connection, 'test', silent);
    try {
      return (await pool.query<Record<string, unknown>>(text)).rows;
    } finally {
      await pool.end();
    }
  };
  before(async () => {
    database = await openTestDatabase();
    store = await openDatabase(database.connection, 'us-east-1', { clock: systemClock, log: silent });
  });
  after(async () => {
    await store.close();
    await database.close();
  });

  test('come back as they were given; a change keeps the id; what is retired stays until it is deleted', async () => {
    const [a, b] = [aTrigger(), aTrigger()];
    await store.triggers.change({ put: [a, b], retire: [] });
    assert.deepEqual(
      (await store.triggers.all()).find((t) => t.id === a.id),
      a,
    );
    const changed = { ...a, configuration: { rate: 'rate(1 minute)' }, changedAtMs: 1_700_000_001_000 };
    await store.triggers.change({ put: [changed], retire: [b.id] });
    const all = await store.triggers.all();
    assert.deepEqual(
      all.find((t) => t.id === a.id),
      changed,
    );
    const retired = all.find((t) => t.id === b.id);
    assert.equal(retired?.retired, true);
    await store.triggers.keepConnection(b.id, 'postgres://a/b');
    await store.triggers.change({ put: [], retire: [b.id] });
    const again = (await store.triggers.all()).find((t) => t.id === b.id);
    assert.deepEqual(again, { ...retired, connection: 'postgres://a/b' }, 'since when it is retired stays');
    assert.ok(typeof again?.retiredAtMs === 'number');
    await store.triggers.delete(b.id);
    assert.equal((await store.triggers.all()).length, all.length - 1);
  });

  test('a schedule’s event and its time are one transaction: neither is there without the other', async () => {
    const t = aTrigger();
    await store.triggers.change({ put: [t], retire: [] });
    const firing = (atMs: number) => ({
      triggerId: t.id,
      atMs,
      delivery: aDelivery({ id: `schedule:${t.id}:${atMs}`, source: 'schedule' }),
    });
    await store.schedules.fire([firing(60_000), firing(120_000)].slice(0, 1));
    await store.schedules.fire([firing(120_000)]);
    await store.schedules.fire([firing(60_000)]); // late, and twice
    assert.equal((await store.schedules.lastFired([t.id])).get(t.id), 120_000);
    assert.equal((await query(`select 1 from hearth.delivery where event_id like 'schedule:${t.id}%'`)).length, 2);
    const broken = { ...firing(180_000), delivery: aDelivery({ id: `schedule:${t.id}:bad`, occurredAtMs: Number.MAX_VALUE }) };
    await assert.rejects(store.schedules.fire([broken]));
    assert.equal((await store.schedules.lastFired([t.id])).get(t.id), 120_000);
  });

  test('what is remembered goes with the trigger, and a trigger that is gone remembers nothing', async () => {
    const t = aTrigger();
    await store.triggers.change({ put: [t], retire: [] });
    const fire = () => store.schedules.fire([{ triggerId: t.id, atMs: 1, delivery: aDelivery({ id: randomUUID() }) }]);
    await fire();
    await store.triggers.delete(t.id);
    await fire();
    assert.deepEqual(await query(`select * from hearth.schedule where trigger_id = '${t.id}'`), []);
  });

  test('the times of the bus remember one time for all its targets, and are forgotten with the rule', async () => {
    const id = randomUUID();
    const firing = (atMs: number, target: string) => ({
      triggerId: id,
      atMs,
      delivery: aDelivery({ id: `schedule:${id}:${atMs}:${target}` }),
    });
    await store.busTimes.fire([firing(60_000, 'a'), firing(60_000, 'b')]);
    await store.busTimes.fire([firing(120_000, 'a'), firing(120_000, 'b')]);
    await store.busTimes.fire([firing(60_000, 'a')]); // late, and twice
    assert.equal((await store.busTimes.lastFired([id])).get(id), 120_000);
    assert.equal((await query(`select 1 from hearth.delivery where event_id like 'schedule:${id}%'`)).length, 4);
    await store.busTimes.forget(id);
    assert.equal((await store.busTimes.lastFired([id])).size, 0);
  });
});
