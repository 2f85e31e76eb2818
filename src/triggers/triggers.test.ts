import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { silent } from '../../test/silent-log.ts';
import { HearthError } from '../errors.ts';
import { randomIds } from '../lib/ids.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { aVersion } from '../model/testing/a-version.ts';
import type { TriggerRecord, TriggerStatus } from '../model/trigger-record.ts';
import type { TriggerConfiguration } from '../model/triggers.ts';
import type { TriggerLog, TriggerSource, TriggerStore } from './trigger.ts';
import { Triggers } from './triggers.ts';

/** Keeps what it is given, as the store does. */
class MemoryTriggers implements TriggerStore {
  readonly records = new Map<string, TriggerRecord>();
  retiredAtMs = 1_000;
  /** The next change is made, and its answer lost with the connection. */
  loseNextAnswer = false;

  async all(): Promise<TriggerRecord[]> {
    return [...this.records.values()];
  }

  async change({ put, retire }: { put: readonly TriggerRecord[]; retire: readonly string[] }): Promise<void> {
    for (const record of put) this.records.set(record.id, record);
    for (const id of retire) {
      const record = this.records.get(id);
      if (record !== undefined) this.records.set(id, { ...record, retired: true, retiredAtMs: this.retiredAtMs });
    }
    const lost = this.loseNextAnswer;
    this.loseNextAnswer = false;
    if (lost) throw new HearthError('ServiceUnavailable', 'Connection terminated unexpectedly');
  }

  async keepConnection(): Promise<void> {}

  async delete(id: string): Promise<void> {
    this.records.delete(id);
  }
}

/** Notes what it is told. */
class QueueSource implements TriggerSource<'queue'> {
  readonly kind = 'queue';
  readonly running = new Map<string, TriggerRecord<'queue'>>();
  readonly removed: string[] = [];
  refusesToRemove = false;

  check(configuration: TriggerConfiguration<'queue'>): void {
    if (configuration.queue === 'bad') throw new HearthError('InvalidParameterValueException', 'there is no such queue');
  }

  identity(configuration: TriggerConfiguration<'queue'>): string {
    return configuration.queue;
  }

  start(trigger: TriggerRecord<'queue'>): void {
    this.running.set(trigger.id, trigger);
  }

  async stop(id: string): Promise<void> {
    this.running.delete(id);
  }

  async remove(trigger: TriggerRecord<'queue'>): Promise<void> {
    if (this.refusesToRemove) throw new HearthError('ServiceUnavailable', 'away');
    this.running.delete(trigger.id);
    this.removed.push(trigger.id);
  }

  status(): TriggerStatus {
    return { state: 'running', detail: null, subject: '', lastFiredMs: null, nextMs: null, lagBytes: null, events: 0 };
  }

  async close(): Promise<void> {
    this.running.clear();
  }
}

function world(functions: FunctionVersion[], log: TriggerLog = silent) {
  const store = new MemoryTriggers();
  const clock = new VirtualClock(1_000);
  const open = async (refusesToRemove = false) => {
    const source = new QueueSource();
    source.refusesToRemove = refusesToRemove;
    const scope = { accountId: '000000000000', region: 'us-east-1' };
    const deps = { store, sources: [source], functions: { list: () => functions }, scope, clock, ids: randomIds, log };
    return { source, triggers: await Triggers.open(deps) };
  };
  return { store, clock, open };
}

const queues = (...names: string[]) => names.map((queue) => ({ queue: { queue } }));

test('a deployment adds, changes, keeps and removes triggers; a changed one keeps its id', async () => {
  const f = aVersion();
  const { store, open } = world([f]);
  const { source, triggers } = await open();
  await triggers.reconcile(f, queues('a', 'b'));
  const idOf = (queue: string) => [...store.records.values()].find((r) => (r.configuration as { queue: string }).queue === queue)?.id;
  const [a, b] = [idOf('a'), idOf('b')];
  await triggers.reconcile(f, [{ queue: { queue: 'a', batchSize: 5 } }, { queue: { queue: 'c' } }]);
  await triggers.close();
  assert.equal(idOf('a'), a);
  assert.deepEqual(source.removed, [b]);
  assert.equal(store.records.size, 2);
  assert.deepEqual(store.records.get(a ?? '')?.configuration, { queue: 'a', batchSize: 5 });
});

test('after a restart the registered ones serve again', async () => {
  const f = aVersion();
  const { open } = world([f]);
  const before = await open();
  await before.triggers.reconcile(f, queues('a', 'b'));
  await before.triggers.close();
  const after = await open();
  assert.equal(after.source.running.size, 2);
  assert.deepEqual(
    after.triggers.list(f.name).map((t) => t.state),
    ['running', 'running'],
  );
  await after.triggers.close();
});

test('the triggers of a removed function go, though the first attempt to remove them fails', async () => {
  const f = aVersion();
  const functions = [f];
  const { store, clock, open } = world(functions);
  const { source, triggers } = await open();
  await triggers.reconcile(f, queues('a'));
  source.refusesToRemove = true;
  functions.pop();
  await triggers.forget(f.functionId);
  await clock.advance(1);
  assert.equal(triggers.list()[0]?.detail, 'is being removed, and tried again: away');
  source.refusesToRemove = false;
  await clock.advance(60_000);
  assert.equal(store.records.size, 0);
  assert.deepEqual(triggers.list(), []);
  await triggers.close();
});

test('what can’t be removed is said once for each reason, and given up after thirty days, restarts or not', async () => {
  const f = aVersion();
  const functions = [f];
  const warnings: string[] = [];
  const log = { ...silent, warn: (_: object, message: string) => void warnings.push(message) };
  const { store, clock, open } = world(functions, log);
  const before = await open();
  await before.triggers.reconcile(f, queues('a'));
  before.source.refusesToRemove = true;
  functions.pop();
  await before.triggers.forget(f.functionId);
  await clock.advance(10 * 60_000);
  assert.deepEqual(warnings, ['a trigger could not be removed yet, and is tried again']);
  await before.triggers.close();
  const { triggers } = await open(true);
  const day = 24 * 60 * 60_000;
  await clock.advance(30 * day - 11 * 60_000);
  assert.equal(triggers.list().length, 1);
  await clock.advance(2 * 60_000);
  assert.deepEqual([triggers.list(), store.records.size], [[], 0]);
  assert.match(warnings.at(-1) ?? '', /for 30 days, and is given up: what it made may still be there$/);
  await triggers.close();
});

test('killed between the removal of a function and that of its triggers, the next start removes them', async () => {
  const f = aVersion();
  const functions = [f];
  const { store, clock, open } = world(functions);
  const before = await open();
  await before.triggers.reconcile(f, queues('a'));
  functions.pop(); // and nobody told the triggers
  const after = await open();
  await clock.advance(1);
  assert.equal(after.source.running.size, 0);
  assert.equal(after.source.removed.length, 1);
  assert.equal(store.records.size, 0);
});

test('one of a mapping goes when there is no such mapping, not with a function: it may have been moved to another just before', async () => {
  const [f, other] = [aVersion(), aVersion({ functionId: randomUUID(), name: 'other' })];
  const functions = [f, other];
  const { store, clock, open } = world(functions);
  const { triggers } = await open();
  const scope = { accountId: '000000000000', region: 'us-east-1', changedAtMs: 0, retired: false };
  const of = (v: FunctionVersion): TriggerRecord => ({
    id: 'm',
    ...scope,
    functionId: v.functionId,
    functionName: v.name,
    kind: 'queue',
    configuration: { queue: 'a' },
    mapping: { qualifier: null },
  });
  await triggers.map([of(f)]);
  functions.shift();
  await triggers.forget(f.functionId);
  await triggers.close();
  // Killed here, and the registration still names the function of before.
  const after = await open();
  assert.equal(after.source.running.size, 1);
  await after.triggers.map([of(other)]);
  assert.equal(after.source.running.get('m')?.functionId, other.functionId);
  await after.triggers.map([]);
  await clock.advance(1);
  assert.deepEqual([after.source.removed, store.records.size], [['m'], 0]);
  await after.triggers.close();
});

test('a deployment that comes after the removal registers nothing', async () => {
  const { store, open } = world([]);
  const { triggers } = await open();
  await triggers.reconcile(aVersion({ functionId: randomUUID() }), queues('a'));
  assert.equal(store.records.size, 0);
});

test('what can not be served is refused by its path, and so is the same trigger twice', async () => {
  const f = aVersion();
  const { store, open } = world([f]);
  const { triggers } = await open();
  const faults = (names: string[]): unknown => {
    try {
      triggers.check(queues(...names));
    } catch (error) {
      return (error as HearthError).details['faults'];
    }
    return null;
  };
  assert.deepEqual(faults(['a', 'bad']), ['triggers[1].queue: there is no such queue']);
  assert.match(String(faults(['a', 'a'])), /triggers\[1\]\.queue: is the same trigger as triggers\[0\]/);
  await assert.rejects(triggers.reconcile(f, queues('bad')), /no such queue/);
  assert.equal(store.records.size, 0);
});

test('a change whose answer was lost is there once when it is asked for again, and goes when it is not', async () => {
  const f = aVersion();
  const { store, open } = world([f]);
  const { source, triggers } = await open();
  await triggers.reconcile(f, queues('old'));
  store.loseNextAnswer = true;
  await assert.rejects(triggers.reconcile(f, queues('a', 'b')), { code: 'ServiceUnavailable' });
  await triggers.reconcile(f, queues('a'));
  await triggers.close();
  const there = [...store.records.values()].filter((r) => !r.retired).map((r) => r.configuration);
  assert.deepEqual(there, [{ queue: 'a' }]);
  assert.equal(source.removed.length, 2);
});

test('of two that are alike, which an earlier Hearth could leave, a deployment keeps one', async () => {
  const f = aVersion();
  const { store, open } = world([f]);
  const before = await open();
  await before.triggers.reconcile(f, queues('a'));
  await before.triggers.close();
  const [record] = store.records.values();
  assert.ok(record);
  const twin = { ...record, id: randomUUID() };
  store.records.set(twin.id, twin);
  const { source, triggers } = await open();
  await triggers.reconcile(f, queues('a'));
  assert.deepEqual([source.running.size, source.removed.length], [1, 1]);
  await triggers.close();
});
