import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { Client } from 'pg';
import { openTestDatabase, type TestDatabase } from '../../test/fixtures/test-database.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { randomIds } from '../lib/ids.ts';
import { aDelivery } from '../model/testing/a-delivery.ts';
import { QUEUE_DEFAULTS } from '../queues/attributes.ts';
import { newMessage } from '../queues/new-message.ts';
import { openDatabase, type DatabaseStore } from './postgres-store.ts';

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

it('makes due what a clock that ran ahead had accepted, or put off, and nothing that waits for its time', async () => {
  await store.intake.accept([aDelivery({ id: 'accepted' }), aDelivery({ id: 'put off' }), aDelivery({ id: 'waits' })]);
  await client.query(
    `update hearth.delivery set due_at = due_at + interval '1 hour', queued_at = queued_at + interval '1 hour' where event_id = 'accepted'`,
  );
  await client.query(`update hearth.delivery set due_at = due_at + interval '1 hour' where event_id = 'put off'`);
  await client.query(`update hearth.delivery set due_at = due_at + interval '5 minutes' where event_id = 'waits'`);
  const claim = async () => (await store.ledger.claim([{ lane: 'f-1', most: 10 }], 1_000_000)).map((c) => c.eventId);
  assert.deepEqual(await claim(), []);
  assert.equal(await store.ahead.straighten(), 2);
  assert.deepEqual((await claim()).sort(), ['accepted', 'put off']);
  assert.equal(await store.ahead.straighten(), 0);
});

it('shows messages that a clock that ran ahead had sent, keeps their delays and their order, and what others hold hidden', async () => {
  const queues = store.queues({ accountId: '000000000000', region: 'us-east-1' });
  const queue = await queues.create({ name: 'ordered.fifo', attributes: { ...QUEUE_DEFAULTS, fifo: true }, tags: {} });
  assert.ok(queue);
  const send = (body: string, groupId = 'g') =>
    queues.send(queue, [newMessage(queue, { body, sender: 'test', groupId, deduplicationId: body }, randomIds)]);
  const receive = async () => (await queues.receive(queue, { most: 10, visibilitySeconds: 43_200, deadLetter: null })).map((m) => m.body);
  await send('held', 'other');
  assert.deepEqual(await receive(), ['held']);
  await send('1');
  await send('delayed', 'third');
  await client.query(
    `update hearth.message set visible_at = visible_at + interval '1 hour', sent_at = sent_at + interval '1 hour' where body <> 'held'`,
  );
  await client.query(`update hearth.message set visible_at = sent_at + interval '10 minutes' where body = 'delayed'`);
  await client.query(`update hearth.message_deduplication set until = until + interval '1 hour'`);
  await send('2');
  assert.equal(await store.ahead.straighten(), 2);
  assert.deepEqual(await receive(), ['1', '2']);
  const { rows } = await client.query(
    `select (extract(epoch from visible_at - sent_at))::int as s from hearth.message where body = 'delayed'`,
  );
  assert.deepEqual(rows, [{ s: 600 }]);
  const late = await client.query(`select 1 from hearth.message_deduplication where until > now() + interval '5 minutes'`);
  assert.equal(late.rowCount, 0);
});
