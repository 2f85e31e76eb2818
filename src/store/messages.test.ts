import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { Client } from 'pg';
import { until } from '../../test/scenarios/until.ts';
import { openTestDatabase, type TestDatabase } from '../../test/fixtures/test-database.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { randomIds } from '../lib/ids.ts';
import type { Queue } from '../model/queue.ts';
import { aDelivery } from '../model/testing/a-delivery.ts';
import { QUEUE_DEFAULTS } from '../queues/attributes.ts';
import { newMessage } from '../queues/new-message.ts';
import type { QueueStore } from '../queues/queue-store.ts';
import { openDatabase, type DatabaseStore } from './postgres-store.ts';

let database: TestDatabase;
let store: DatabaseStore;
let queues: QueueStore;
before(async () => {
  database = await openTestDatabase();
  store = await openDatabase(database.connection, 'us-east-1', { clock: systemClock, log: silent });
  queues = store.queues({ accountId: '000000000000', region: 'us-east-1' });
});
after(async () => {
  await store.close();
  await database.close();
});

async function queueWith(name: string, bodies: readonly string[], fifo = false): Promise<Queue> {
  const queue = await queues.create({ name, attributes: { ...QUEUE_DEFAULTS, fifo }, tags: {} });
  assert.ok(queue);
  for (const body of bodies) {
    const ordered = fifo ? { groupId: 'g', deduplicationId: body } : {};
    await queues.send(queue, [newMessage(queue, { body, sender: 'test', ...ordered }, randomIds)]);
  }
  return queue;
}

const receive = async (queue: Queue, polled: boolean, most = 1): Promise<string[]> =>
  (await queues.receive(queue, { most, visibilitySeconds: 600, deadLetter: null, polled })).map((m) => m.body);

it('shows at once what the server before had polled, and nothing that others hold', async () => {
  const queue = await queueWith('plain', ['a', 'b', 'c', 'd']);
  assert.deepEqual(await receive(queue, false), ['a']);
  assert.deepEqual(await receive(queue, true), ['b']);
  const failed = await queues.receive(queue, { most: 1, visibilitySeconds: 600, deadLetter: null, polled: true });
  await queues.hide(queue.queueId, [{ receipt: failed[0]!.receipt, seconds: 600 }]); // its function failed: it waits its time
  assert.equal(await queues.giveBack(), 1);
  const [again] = await queues.receive(queue, { most: 1, visibilitySeconds: 600, deadLetter: null });
  assert.deepEqual([again?.body, again?.receiveCount], ['b', 2]);
  assert.deepEqual(await receive(queue, false, 10), ['d']);
  assert.equal(await queues.giveBack(), 0);
});

it('goes on with a group of which the server before held a message, from that message', async () => {
  const queue = await queueWith('ordered.fifo', ['1', '2', '3'], true);
  assert.deepEqual(await receive(queue, true), ['1']);
  assert.deepEqual(await receive(queue, true, 10), []);
  assert.equal(await queues.giveBack(), 1);
  assert.deepEqual(await receive(queue, true, 10), ['1', '2', '3']);
});

it('a message without a group, which a FIFO queue has from a standard one, holds up nothing', async () => {
  const standard = await queueWith('standard', ['stray']);
  const queue = await queueWith('mixed.fifo', ['1', '2'], true);
  const other = new Client(database.connection);
  await other.connect();
  await other.query('update hearth.message set queue_id = $1 where queue_id = $2', [queue.queueId, standard.queueId]);
  await other.end();
  assert.deepEqual(await receive(queue, false), ['stray']);
  assert.deepEqual(await receive(queue, false), ['1']);
  assert.deepEqual(await receive(queue, false), []);
});

it('gives what comes together in its order, wherever it lies: each group by itself, as much of it as there is', async () => {
  const queue = await queues.create({ name: 'lying.fifo', attributes: { ...QUEUE_DEFAULTS, fifo: true }, tags: {} });
  assert.ok(queue);
  for (const body of ['a1', 'b1', 'a2', 'b2', 'a3', 'b3', 'a4'])
    await queues.send(queue, [newMessage(queue, { body, groupId: body.slice(0, 1), deduplicationId: body, sender: 'test' }, randomIds)]);
  const shown = async (most: number): Promise<string[]> =>
    (await queues.receive(queue, { most, visibilitySeconds: 0, deadLetter: null })).map((m) => m.body);
  for (const most of [1, 2, 3]) await shown(most); // what is written anew lies behind the others
  const other = new Client(database.connection);
  await other.connect();
  await other.query('analyze hearth.message'); // a table that is known to be small is read from its beginning to its end
  await other.end();
  assert.deepEqual(await shown(3), ['a1', 'a2', 'a3']);
  assert.deepEqual(await shown(6), ['a1', 'a2', 'a3', 'a4', 'b1', 'b2']);
  assert.deepEqual(await shown(10), ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3']);
});

it('takes what has the deduplication id of a message of another group for a double only where the queue does not say that groups are apart', async () => {
  for (const [name, scope, seen] of [
    ['apart.fifo', { DeduplicationScope: 'messageGroup' }, ['a', 'b']],
    ['together.fifo', {}, ['a']],
  ] as const) {
    const queue = await queues.create({ name, attributes: { ...QUEUE_DEFAULTS, fifo: true, kept: scope }, tags: {} });
    assert.ok(queue);
    const message = (groupId: string) => newMessage(queue, { body: groupId, groupId, deduplicationId: 'same', sender: 'test' }, randomIds);
    const [[first], [double]] = [await queues.send(queue, [message('a')]), await queues.send(queue, [message('a')])];
    assert.deepEqual(double, first);
    await queues.send(queue, [message('b'), message('b')]);
    assert.deepEqual(await receive(queue, false, 10), seen, name);
  }
});

/** Lets `work` meet rows that another has changed and not committed yet. */
async function beside(change: string, work: () => Promise<unknown>): Promise<void> {
  const other = new Client(database.connection);
  await other.connect();
  await other.query(`begin; ${change}`);
  let ended = false;
  const running = work().finally(() => (ended = true));
  await until(async () => ended || (await other.query('select 1 from pg_locks where not granted')).rows.length > 0);
  await other.query('commit');
  await running;
  await other.end();
}

it('does not sweep what is just being moved, or driven again', async () => {
  const queue = await queueWith('old', ['x']);
  const other = new Client(database.connection);
  await other.connect();
  await other.query(`update hearth.message set sent_at = now() - interval '30 days' where queue_id = '${queue.queueId}'`);
  await beside(`update hearth.message set sent_at = now() where queue_id = '${queue.queueId}'`, () => queues.sweep());
  assert.deepEqual(await receive(queue, false), ['x']);

  await store.intake.accept([aDelivery({ id: 'old' })]);
  await other.query("update hearth.delivery set state = 'failed', finished_at = now()");
  await beside("update hearth.delivery set state = 'ready'", () => store.deliveries.sweep({ ms: 0, count: 0 }));
  assert.deepEqual(
    (await store.deliveries.find('old')).map((d) => d.state),
    ['ready'],
  );
  await other.end();
});
