import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../../test/scenarios/until.ts';
import { openTestDatabase, type TestDatabase } from '../../test/fixtures/test-database.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { randomIds } from '../lib/ids.ts';
import type { Queue } from '../model/queue.ts';
import { QUEUE_DEFAULTS } from '../queues/attributes.ts';
import { newMessage } from '../queues/new-message.ts';
import { Queues } from '../queues/queues.ts';
import { openDatabase, type DatabaseStore } from './postgres-store.ts';

describe('tasks that move messages', () => {
  let database: TestDatabase;
  let store: DatabaseStore;
  const scope = { accountId: '000000000000', region: 'us-east-1' };
  /** What a server has of queues; a second one is what comes after its end. */
  const open = () => Queues.open({ store: store.queues(scope), clock: systemClock, scope, log: silent });
  before(async () => {
    database = await openTestDatabase();
    store = await openDatabase(database.connection, 'us-east-1', { clock: systemClock, log: silent });
  });
  after(async () => {
    await store.close();
    await database.close();
  });
  const create = (queues: Queues, name: string) => queues.create(name, { attributes: QUEUE_DEFAULTS, tags: {}, same: () => true });
  const fill = (queues: Queues, queue: Queue, count: number) =>
    queues.send(
      queue,
      Array.from({ length: count }, (_, n) => newMessage(queue, { body: `${n}`, sender: 'test' }, randomIds)),
    );
  const visible = async (queues: Queues, queue: Queue) => (await queues.store.depth(queue.queueId)).visible;

  it('go on with the next server, count what they moved, and take only what was there when they began', async () => {
    const first = await open();
    const [from, to] = [await create(first, 'dead'), await create(first, 'alive')];
    await fill(first, from, 5);
    const task = await first.moves.start({ handle: 'h', from, to, perSecond: 2 });
    assert.deepEqual([task.planned, task.status], [5, 'RUNNING']);
    await fill(first, from, 1);
    await assert.rejects(first.moves.start({ handle: 'other', from, to, perSecond: null }), { name: 'InvalidParameterValue' });
    await until(() => task.moved >= 2);
    await first.close();

    const second = await open();
    const [again] = second.moves.of(from);
    assert.ok(again);
    assert.deepEqual([again.handle, again.planned, again.perSecond, again.to?.name], ['h', 5, 2, 'alive']);
    assert.equal(again.moved >= 2, true);
    await until(() => again.status === 'COMPLETED');
    assert.deepEqual([again.moved, await visible(second, from), await visible(second, to)], [5, 1, 5]);
    await assert.rejects(second.moves.cancel('h'), { name: 'ResourceNotFoundException' });
    await second.close();

    const third = await open();
    assert.deepEqual(
      third.moves.of(from).map((t) => [t.handle, t.status, t.moved]),
      [['h', 'COMPLETED', 5]],
    );
    assert.equal(await visible(third, from), 1, 'what has ended moves nothing more');
    await third.close();
  });

  it('have an end where what they moved comes back', async () => {
    const queues = await open();
    const [from, to] = [await create(queues, 'dead-again'), await create(queues, 'fails-again')];
    await fill(queues, from, 3);
    const task = await queues.moves.start({ handle: 'b', from, to, perSecond: 1 });
    const mortal = { ...QUEUE_DEFAULTS, redrive: { deadLetterTargetArn: 'dead-again', maxReceiveCount: 1 } };
    const back = async (): Promise<void> => {
      const [message] = await queues.store.receive(to, { most: 1, visibilitySeconds: 0, deadLetter: from });
      if (message !== undefined)
        await queues.store.receive({ ...to, attributes: mortal }, { most: 1, visibilitySeconds: 0, deadLetter: from });
    };
    await until(async () => {
      await back();
      return task.status === 'COMPLETED';
    });
    for (let left = 3; left > 0; left--) await back();
    assert.deepEqual([task.moved, await visible(queues, from)], [3, 3]);
    await queues.close();
  });

  it('are cancelled, also across the end of a server, and say what failed; ten of a queue are remembered', async () => {
    const first = await open();
    const [from, to] = [await create(first, 'dead-2'), await create(first, 'gone')];
    await fill(first, from, 3);
    await first.moves.start({ handle: 'c', from, to, perSecond: 1 });
    assert.equal((await first.moves.cancel('c')).status, 'CANCELLED');
    const left = await visible(first, from);
    // Told to end, and then the server was killed.
    await first.moves.start({ handle: 'k', from, to, perSecond: 1 });
    await store.queues(scope).moves.become('k', 'CANCELLING', null);
    await first.close();
    const second = await open();
    await until(() => second.moves.of(from)[0]?.status === 'CANCELLED');
    assert.ok((await visible(second, from)) <= left);
    await fill(second, from, 1);
    await second.remove('gone');
    const failing = await second.moves.start({ handle: 'f', from, to, perSecond: null });
    await until(() => failing.status === 'FAILED');
    assert.equal(failing.failure, 'AWS.SimpleQueueService.NonExistentQueue');
    for (let n = 0; n < 10; n++) {
      const task = await second.moves.start({ handle: `n${n}`, from, to: null, perSecond: null });
      await until(() => task.status === 'COMPLETED');
    }
    const handles = second.moves.of(from).map((t) => t.handle);
    assert.deepEqual(
      handles,
      Array.from({ length: 10 }, (_, n) => `n${9 - n}`),
    );
    await second.close();
    const third = await open();
    assert.deepEqual(
      third.moves
        .of(from)
        .map((t) => t.handle)
        .sort(),
      handles.sort(),
    );
    await third.close();
  });
});
