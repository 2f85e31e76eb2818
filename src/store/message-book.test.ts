import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { openTestDatabase, type TestDatabase } from '../../test/fixtures/test-database.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { randomIds } from '../lib/ids.ts';
import type { DeliveryFilter, QueueFeed } from '../model/delivery-view.ts';
import type { Queue } from '../model/queue.ts';
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

async function queueWith(name: string, bodies: readonly string[], delaySeconds = 0): Promise<Queue> {
  const queue = await queues.create({ name, attributes: QUEUE_DEFAULTS, tags: {} });
  assert.ok(queue);
  for (const body of bodies) await queues.send(queue, [newMessage(queue, { body, sender: 'test', delaySeconds }, randomIds)]);
  return queue;
}

function feed(queue: Queue, functionId: string): QueueFeed {
  return { queueId: queue.queueId, queueName: queue.name, queueArn: `arn:${queue.name}`, functionId, qualifier: null };
}

it('shows each message of a queue that feeds a function as a delivery of it, until the ledger has it', async () => {
  const [work, slow, alone] = [
    await queueWith('work', ['a', 'b', 'c']),
    await queueWith('slow', ['d'], 600),
    await queueWith('alone', ['e']),
  ];
  const feeds = [feed(work, 'f-1'), feed(work, 'f-2'), feed(slow, 'f-2')];
  assert.equal((await queues.depth(alone.queueId)).visible, 1, 'feeds nothing, and is shown by nothing');
  const list = async (filter: DeliveryFilter, limit = 10, beforeSeq?: string) => {
    const found = await store.waitingMessages.list(feeds, filter, { limit, beforeSeq });
    const bodies = new Map(
      await Promise.all(
        found.map(async (m) => [m.eventId, (await store.waitingMessages.find(feeds, m.eventId))[0]?.payload.toString()] as const),
      ),
    );
    return found.map((m) => `${m.functionId} ${bodies.get(m.eventId)} ${m.state}`);
  };
  const all = ['f-2 d ready', 'f-1 c ready', 'f-1 b ready', 'f-1 a ready'];
  assert.deepEqual(await list({}), all);
  assert.deepEqual(await list({ state: 'waiting', source: 'queue', fromMs: 0 }), all);
  assert.deepEqual(await list({ functionId: 'f-2' }), ['f-2 d ready', 'f-2 c ready', 'f-2 b ready', 'f-2 a ready']);
  assert.deepEqual(await list({ prefix: 'slow/' }), all.slice(0, 1));
  for (const none of [{ state: 'failed' }, { state: 'held' }, { source: 'async' }, { functionId: 'f-3' }, { toMs: 1 }] as const)
    assert.deepEqual(await list(none), []);
  const [, second] = await store.waitingMessages.list(feeds, {}, { limit: 2 });
  assert.deepEqual(await list({}, 2, second?.seq), all.slice(2));

  const [first] = await queues.receive(work, { most: 1, visibilitySeconds: 600, deadLetter: null, polled: true });
  assert.ok(first);
  assert.deepEqual(await list({ state: 'running' }), ['f-1 a running']);
  assert.deepEqual((await store.waitingMessages.counts(feeds)).map((c) => `${c.functionId} ${c.state} ${c.count}`).sort(), [
    'f-1 ready 2',
    'f-1 running 1',
    'f-2 ready 1',
  ]);
  const attempt = { attempt: 1, requestId: 'r', startedAtMs: 1, durationMs: 2, outcome: 'ok', errorType: '', message: '' } as const;
  const note = { messageId: first.messageId, queueArn: 'arn:work', functionId: 'f-1', qualifier: null, payload: Buffer.from('{}') };
  await store.messageNotes.note([{ ...note, lineage: '', traceId: '', sentAtMs: 1, attempt, state: 'succeeded', reason: null }]);
  assert.deepEqual(await list({ functionId: 'f-1' }), ['f-1 c ready', 'f-1 b ready']);
  assert.deepEqual(await store.waitingMessages.find(feeds, first.messageId), []);
});
