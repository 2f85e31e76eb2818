import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silent } from '../../../test/silent-log.ts';
import type { Dispatched, Dispatcher } from '../../dispatch/dispatcher.ts';
import { HearthError } from '../../errors.ts';
import { deferred } from '../../lib/deferred.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { ReceivedMessage } from '../../model/queue.ts';
import { aVersion } from '../../model/testing/a-version.ts';
import { QueuePoller } from './queue-poller.ts';
import type { QueuePort } from './queue-port.ts';

const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:work';

function aMessage(n: number, bytes: number, groupId: string | null): ReceivedMessage {
  return {
    messageId: `m${n}`,
    sequence: String(n),
    body: 'x'.repeat(bytes),
    attributes: {},
    md5Body: '',
    md5Attributes: null,
    traceHeader: null,
    sender: '',
    groupId,
    deduplicationId: null,
    receipt: `r${n}`,
    receiveCount: 1,
    sentAtMs: 0,
    firstReceivedAtMs: 0,
    deadLetterSource: null,
  };
}

/** A poller of a queue that has one batch (and another, `late`, that comes at the moment in which it is stopped), for a function that answers when it is told to. */
function world(
  queueArn: string,
  batch: ReceivedMessage[],
  { timeoutMs = 3_000, windowMs = 0, late = [] as ReceivedMessage[], away = { now: false }, received = () => {} } = {},
) {
  const clock = new VirtualClock();
  const check = (): void => {
    if (away.now) throw new HearthError('ServiceUnavailable', 'The database is away.');
  };
  const deleted: string[] = [];
  const noted: string[] = [];
  const version = aVersion({ timeoutMs });
  const invocations: string[][] = [];
  const hidden: { receipts: readonly string[]; seconds: number; undo: boolean }[] = [];
  const asked: number[] = [];
  const begun = deferred<void>();
  const answer = deferred<void>();
  const left = [batch];
  const queues: QueuePort = {
    async receive(_, { visibilitySeconds, signal }) {
      asked.push(visibilitySeconds);
      check();
      const next = left.shift();
      if (next !== undefined) received();
      if (next === undefined) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      return next ?? late.splice(0);
    },
    async delete(_, receipts) {
      check();
      deleted.push(...receipts);
    },
    async hide(_, receipts, how) {
      check();
      hidden.push({ receipts, ...how });
    },
    visibilitySeconds: () => 30,
    mostReceives: () => null,
    systemAttributes: () => ({}),
  };
  const dispatcher: Pick<Dispatcher, 'invoke'> = {
    async invoke(_, { body }) {
      invocations.push((JSON.parse(body.toString()) as { Records: { messageId: string }[] }).Records.map((r) => r.messageId));
      begun.resolve();
      await answer.promise;
      return { error: null, body: Buffer.from('null'), executedVersion: '$LATEST' } as unknown as Dispatched;
    },
  };
  const functions = { find: () => version, mayLoop: () => true };
  const mapping = { id: 'm', queueArn, functionName: 'f', qualifier: null, enabled: true, batchSize: 10, windowMs, concurrency: 10 };
  const poller = new QueuePoller(
    { ...mapping, reportsFailures: false, filters: [] },
    {
      queues,
      dispatcher,
      functions,
      notes: {
        async note(notes) {
          check();
          noted.push(...notes.map((n) => n.messageId));
        },
      },
      clock,
      ids: { uuid: () => 'u', ordered: () => 'o' },
      log: silent,
    },
  );
  const end = async (): Promise<void> => {
    answer.resolve();
    await poller.stop();
  };
  return { invocations, hidden, deleted, noted, asked, begun: begun.promise, answer, clock, poller, end };
}

describe('the poller of a queue', () => {
  const large = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => aMessage(n, 1_000_000, 'g'));

  it('runs a FIFO batch that is too large for one event as one event, and puts the rest back: a group is never run twice at once', async () => {
    const w = world(`${QUEUE}.fifo`, large);
    await w.begun;
    await w.end();
    assert.deepEqual(w.invocations, [['m1', 'm2', 'm3', 'm4', 'm5', 'm6']]);
    assert.deepEqual(w.hidden, [{ receipts: ['r7', 'r8'], seconds: 0, undo: true }]);
  });

  it('runs that of another queue as several', async () => {
    const w = world(QUEUE, large);
    await w.begun;
    await w.end();
    assert.deepEqual([w.invocations.flat().length, w.invocations.length, w.hidden.length], [8, 2, 0]);
  });

  const far = (n: number, hops: number) => ({
    ...aMessage(n, 1, null),
    traceHeader: `Root=1-5f84c7a0-0123456789abcdef01234567;Lineage=a:${hops}`,
  });

  it('runs together only what is equally far along its chain, as many at once as may run, what has waited longest first, and puts the rest back', async () => {
    const w = world(QUEUE, [far(1, 16), aMessage(2, 1, null), far(3, 4), far(4, 16), aMessage(5, 1, null)]);
    await w.begun;
    await w.end();
    assert.deepEqual(w.invocations, [
      ['m1', 'm4'],
      ['m2', 'm5'],
    ]);
    assert.deepEqual(w.hidden, [{ receipts: ['r3'], seconds: 0, undo: true }]);
  });

  it('keeps the order of a FIFO queue where its messages are not', async () => {
    const w = world(`${QUEUE}.fifo`, [aMessage(1, 1, 'g'), aMessage(2, 1, 'g'), far(3, 4), aMessage(4, 1, 'g')]);
    await w.begun;
    await w.end();
    assert.deepEqual(w.invocations, [['m1', 'm2']]);
    assert.deepEqual(w.hidden, [{ receipts: ['r3', 'r4'], seconds: 0, undo: true }]);
  });

  it('puts back what it received while it was stopped', async () => {
    const w = world(QUEUE, [aMessage(1, 1, null)], { late: [aMessage(2, 1, null)] });
    while (w.asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await w.end();
    assert.deepEqual([w.invocations, w.hidden], [[['m1']], [{ receipts: ['r2'], seconds: 0, undo: true }]]);
  });

  it('has what ran well deleted, once, when the database is back that was away at its end', async () => {
    const away = { now: false };
    const w = world(QUEUE, [aMessage(1, 1, null)], { away });
    await w.begun;
    away.now = true;
    w.answer.resolve();
    await w.clock.advance(60_000);
    assert.deepEqual([w.noted, w.deleted], [[], []]);
    away.now = false;
    await w.clock.advance(2_000);
    assert.deepEqual([w.noted, w.deleted], [['m1'], ['r1']]);
    await w.end();
  });

  it('leaves that to the next server when this one ends', async () => {
    const away = { now: false };
    const w = world(QUEUE, [aMessage(1, 1, null)], { away });
    await w.begun;
    away.now = true;
    w.answer.resolve();
    await w.poller.stop({ serverEnds: true });
    assert.deepEqual(w.deleted, []);
  });

  it('runs what it has gathered when the database goes away within the window', async () => {
    const away = { now: false };
    const w = world(QUEUE, [aMessage(1, 1, null)], { away, windowMs: 5_000, received: () => void (away.now = true) });
    await w.begun;
    assert.deepEqual(w.invocations, [['m1']]);
    away.now = false;
    await w.end();
    assert.deepEqual(w.deleted, ['r1']);
  });

  it('hides what runs for as long as the function may take to start and to run', async () => {
    const w = world(QUEUE, [aMessage(1, 1, null)], { timeoutMs: 60_000 });
    await w.begun;
    await w.end();
    assert.ok((w.asked[0] ?? 0) > 120, String(w.asked[0]));
  });
});
