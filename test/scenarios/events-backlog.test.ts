import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { aDelivery } from '../../src/model/testing/a-delivery.ts';
import { openDatabase, type DatabaseStore } from '../../src/store/postgres-store.ts';
import type { Attempted, Target } from '../../src/triggers/ledger/attempt.ts';
import { DeliveryRunner } from '../../src/triggers/ledger/delivery-runner.ts';
import type { Claimed } from '../../src/triggers/ledger/ledger.ts';
import { openTestDatabase, type TestDatabase } from '../fixtures/test-database.ts';
import { silent } from '../silent-log.ts';
import { until } from './until.ts';

const LIMITS = { inFlight: 64, payloadBytes: 2 * 1024 * 1024, pollMs: 1_000, renewMs: 10_000, closeMs: 2_000 };
const PER_LANE = 16;
const DEEP = { lane: 'deep', count: 2_000, bytes: 40_000 };
const OTHERS = { lanes: ['b', 'c', 'd'], count: 600 };
const OK: Attempted = { outcome: 'ok', errorType: '', message: '', response: null };

let database: TestDatabase;
let store: DatabaseStore;
before(async () => {
  database = await openTestDatabase();
  store = await openDatabase(database.connection, 'us-east-1', { clock: systemClock, log: silent });
});
after(async () => {
  await store.close();
  await database.close();
});

/** Notes what it is given, and how much it has at once. */
class Consumer implements Target {
  readonly began: string[] = [];
  readonly most_ = { count: 0, bytes: 0 };
  readonly #now = { count: 0, bytes: 0 };

  most(): number {
    return PER_LANE;
  }

  limits(): { retries: number; maxAgeMs: number } {
    return { retries: 0, maxAgeMs: 3_600_000 };
  }

  async attempt({ lane, payload }: Claimed): Promise<Attempted> {
    this.began.push(lane);
    this.#now.count++;
    this.#now.bytes += payload.length;
    this.most_.count = Math.max(this.most_.count, this.#now.count);
    this.most_.bytes = Math.max(this.most_.bytes, this.#now.bytes);
    await new Promise((resolve) => setImmediate(resolve));
    this.#now.count--;
    this.#now.bytes -= payload.length;
    return OK;
  }
}

test('a backlog drains with no more in memory than is allowed, and no function waits for another’s', async () => {
  const payload = Buffer.alloc(DEEP.bytes, '1');
  for (let i = 0; i < DEEP.count; i += 100)
    await store.intake.accept(Array.from({ length: 100 }, () => aDelivery({ functionId: DEEP.lane, payload })));
  for (const functionId of OTHERS.lanes) await store.intake.accept(Array.from({ length: OTHERS.count }, () => aDelivery({ functionId })));
  const consumer = new Consumer();
  const runner = new DeliveryRunner({
    ledger: store.ledger,
    target: consumer,
    outcomes: () => [],
    clock: systemClock,
    log: silent,
    limits: LIMITS,
  });
  await runner.start();
  const total = DEEP.count + OTHERS.lanes.length * OTHERS.count;
  await until(() => consumer.began.length >= total);
  await until(async () => (await store.deliveries.counts()).every((c) => c.state === 'succeeded'));
  await runner.close();
  assert.equal(consumer.began.length, total);
  assert.ok(consumer.most_.count <= LIMITS.inFlight, `${consumer.most_.count} at once`);
  // The last that is claimed may go beyond the bound.
  assert.ok(consumer.most_.bytes <= LIMITS.payloadBytes + DEEP.bytes, `${consumer.most_.bytes} bytes at once`);
  // Those with a short backlog, which came last, were done while the deep one was not: it had no more than its share.
  const lastOthers = consumer.began.findLastIndex((lane) => lane !== DEEP.lane);
  const deepBefore = consumer.began.slice(0, lastOthers).filter((lane) => lane === DEEP.lane).length;
  assert.ok(deepBefore < DEEP.count, `${deepBefore} of the deep one came before the others' last`);
  // And alike: while all three have some, none is far ahead.
  const firstDone = Math.min(...OTHERS.lanes.map((lane) => consumer.began.lastIndexOf(lane)));
  const then = OTHERS.lanes.map((lane) => consumer.began.slice(0, firstDone + 1).filter((l) => l === lane).length);
  assert.ok(Math.min(...then) * 2 >= Math.max(...then), then.join(' '));
});
