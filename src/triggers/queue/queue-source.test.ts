import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { silent } from '../../../test/silent-log.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { TriggerRecord } from '../../model/trigger-record.ts';
import type { QueueMapping } from './mapping.ts';
import type { QueuePollers } from './queue-pollers.ts';
import { QueueSource } from './queue-source.ts';

function world() {
  const clock = new VirtualClock();
  const served: QueueMapping[] = [];
  const removed: [string, unknown][] = [];
  const state = { away: false, made: [] as string[] };
  const pollers = {
    set: (mapping: QueueMapping) => void served.push(mapping),
    remove: async (id: string, how: unknown) => void removed.push([id, how]),
    status: () => (served.length === 0 ? null : { state: 'running', detail: null, events: 0, lastFiredMs: null }),
  } as unknown as QueuePollers;
  const ensure = async (name: string): Promise<void> => {
    if (state.away) throw new Error('the database is away');
    state.made.push(name);
  };
  const source = new QueueSource({ pollers, ensure, arn: (name) => `arn:${name}`, clock, log: silent });
  const record = (batchSize = 1): TriggerRecord<'queue'> => ({
    id: 't',
    accountId: '000000000000',
    region: 'us-east-1',
    functionId: 'f',
    functionName: 'works',
    kind: 'queue',
    configuration: { queue: 'work', batchSize },
    changedAtMs: 0,
    retired: false,
  });
  return { clock, source, served, removed, state, record };
}

test('messages are looked for once the queue is there; one that can’t be made is tried again, and says so meanwhile', async () => {
  const { clock, source, served, state, record } = world();
  state.away = true;
  source.start(record());
  assert.equal(source.status('t')?.state, 'starting');
  await turn();
  const { state: waits, detail } = source.status('t') ?? {};
  assert.deepEqual([waits, detail], ['waiting', 'queue work could not be made yet, and is tried again: the database is away']);
  assert.equal(served.length, 0);
  state.away = false;
  await clock.advance(2_000);
  assert.deepEqual([state.made, served.map((m) => [m.queueArn, m.functionName])], [['work'], [['arn:work', 'works']]]);
  assert.deepEqual([source.status('t')?.state, source.status('t')?.detail], ['running', null]);
});

test('what was changed or stopped while its queue was being made is not served as it was', async () => {
  const { clock, source, served, removed, state, record } = world();
  source.start(record(1));
  source.start(record(5));
  await turn();
  assert.deepEqual(
    served.map((m) => m.batchSize),
    [5],
  );
  state.away = true;
  source.start(record(7));
  await turn();
  await source.remove(record(7));
  state.away = false;
  await clock.advance(10_000);
  assert.equal(served.length, 1);
  assert.equal(source.status('t'), null);
  source.start(record(9));
  await turn();
  await source.close();
  assert.deepEqual(removed, [
    ['t', { serverEnds: false }],
    ['t', { serverEnds: true }],
  ]);
});
