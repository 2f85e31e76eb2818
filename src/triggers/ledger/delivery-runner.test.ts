import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silent } from '../../../test/silent-log.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import { aDelivery } from '../../model/testing/a-delivery.ts';
import { HearthError } from '../../errors.ts';
import type { Attempted, Target } from './attempt.ts';
import { DeliveryRunner } from './delivery-runner.ts';
import { MemoryLedger } from './testing/memory-ledger.ts';

const LIMITS = { inFlight: 16, payloadBytes: 1_000_000, pollMs: 1_000, renewMs: 10_000, closeMs: 2_000 };
const FAILED: Attempted = { outcome: 'function_error', errorType: 'Error', message: 'no', response: null };
const OK: Attempted = { outcome: 'ok', errorType: '', message: '', response: null };

async function world(attempt: Target['attempt'], change: { limits?: Partial<Target>; outcomes?: () => NewDelivery[] } = {}) {
  const clock = new VirtualClock();
  const ledger = new MemoryLedger(clock);
  const target: Target = { most: () => 8, limits: () => ({ retries: 2, maxAgeMs: 21_600_000 }), attempt, ...change.limits };
  const outcomes = change.outcomes ?? (() => []);
  const runner = new DeliveryRunner({
    ledger,
    target,
    outcomes: (_claimed, { next }) => (next.kind === 'again' ? [] : outcomes()),
    clock,
    log: silent,
    limits: LIMITS,
  });
  await runner.start();
  return { clock, ledger, runner };
}

/** Closes it, turning the clock as far as that may wait. */
async function end(clock: VirtualClock, runner: DeliveryRunner): Promise<void> {
  const closed = runner.close();
  await clock.advance(LIMITS.closeMs);
  await closed;
}

describe('the runner', () => {
  it('tries a function that always fails three times, at 0, 60 and 180 seconds, then gives it up', async () => {
    const times: number[] = [];
    const { clock, ledger, runner } = await world(async () => {
      times.push(Math.floor(clock.now() / 1_000));
      return FAILED;
    });
    ledger.accept([aDelivery({ id: 'e' })]);
    await clock.advance(600_000);
    assert.deepEqual(times, [0, 60, 180]);
    assert.deepEqual(ledger.end('e'), { kind: 'failed', reason: 'RetriesExhausted' });
    await end(clock, runner);
  });

  it('ends what nothing can be told of, and goes on', async () => {
    const outcomes = (): never => {
      throw new RangeError('Maximum call stack size exceeded');
    };
    const { clock, ledger, runner } = await world(async () => OK, { outcomes });
    ledger.accept([aDelivery({ id: 'e' })]);
    await clock.advance(1_000);
    assert.deepEqual(ledger.end('e'), { kind: 'succeeded' });
    await end(clock, runner);
  });

  it('does not try what is too old when its turn comes', async () => {
    let tried = 0;
    const limits = { limits: () => ({ retries: 2, maxAgeMs: 60_000 }) };
    const { clock, ledger, runner } = await world(async () => (tried++, OK), { limits });
    ledger.away = true;
    ledger.accept([aDelivery({ id: 'e' })]);
    await clock.advance(61_000);
    ledger.away = false;
    await clock.advance(2_000);
    assert.equal(tried, 0);
    assert.deepEqual(ledger.end('e'), { kind: 'failed', reason: 'EventAgeExceeded' });
    await end(clock, runner);
  });

  it('runs everything once the database is back, and loses no end that could not be written', async () => {
    let tried = 0;
    const { clock, ledger, runner } = await world(async () => {
      tried++;
      ledger.away = true;
      return OK;
    });
    ledger.accept([aDelivery({ id: 'e' })]);
    await clock.advance(5_000);
    assert.equal(ledger.end('e'), null);
    ledger.away = false;
    await clock.advance(10_000);
    assert.deepEqual([tried, ledger.end('e')], [1, { kind: 'succeeded' }]);
    await end(clock, runner);
  });

  it('runs nothing again whose end waits to be written for longer than a claim lasts', async () => {
    let tried = 0;
    const { clock, ledger, runner } = await world(async () => (tried++, OK));
    ledger.refuse = () => {
      throw new HearthError('ServiceUnavailable', 'The database is read-only.');
    };
    ledger.accept([aDelivery({ id: 'e' })]);
    await clock.advance(60_000);
    assert.deepEqual([tried, ledger.end('e')], [1, null]);
    ledger.refuse = () => {};
    await clock.advance(10_000);
    assert.deepEqual([tried, ledger.end('e')], [1, { kind: 'succeeded' }]);
    await end(clock, runner);
  });

  it('runs nothing beside itself whose claim a killed database has lost, and keeps no place for it', async () => {
    let tried = 0;
    const { clock, ledger, runner } = await world(async () => {
      tried++;
      await new Promise<void>((resolve) => clock.after(5_000, resolve));
      return OK;
    });
    const ids = Array.from({ length: 20 }, (_, i) => `e${i}`); // more than there are places
    for (const id of ids) {
      ledger.accept([aDelivery({ id })]);
      await clock.advance(2_000);
      ledger.loseClaims();
      await clock.advance(5_000);
    }
    assert.equal(tried, ids.length);
    assert.deepEqual(
      ids.map((id) => ledger.end(id)?.kind),
      ids.map(() => 'succeeded'),
    );
    await end(clock, runner);
  });

  it('drops an end that is refused, and none of those beside it when the database goes away meanwhile', async () => {
    const tried = new Map<string, number>();
    const { clock, ledger, runner } = await world(async ({ eventId }) => {
      tried.set(eventId, (tried.get(eventId) ?? 0) + 1);
      return OK;
    });
    ledger.refuse = (ids) => {
      if (ids.length === 1) ledger.away = ids[0] !== 'bad';
      if (ledger.away) throw new HearthError('ServiceUnavailable', 'The database is away.');
      if (ids.includes('bad')) throw new HearthError('InvalidParameterValueException', 'no');
    };
    ledger.accept(['bad', 'a', 'b'].map((id) => aDelivery({ id })));
    await clock.advance(5_000);
    assert.deepEqual([ledger.end('a'), ledger.end('b')], [null, null]);
    ledger.refuse = () => {};
    ledger.away = false;
    await clock.advance(10_000);
    assert.deepEqual([ledger.end('bad'), ledger.end('a'), ledger.end('b')], [null, { kind: 'succeeded' }, { kind: 'succeeded' }]);
    assert.deepEqual([...tried.values()], [1, 1, 1]);
    await end(clock, runner);
  });

  it('holds no more than it may run, and is fair to a lane that comes late', async () => {
    let running = 0;
    let most = 0;
    const began: string[] = [];
    const { clock, ledger, runner } = await world(async (claimed) => {
      began.push(claimed.lane);
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => clock.after(10_000, resolve));
      running--;
      return OK;
    });
    for (const functionId of ['a', 'b', 'c']) ledger.accept(Array.from({ length: 1_000 }, () => aDelivery({ functionId })));
    await clock.advance(5_000);
    ledger.accept([aDelivery({ functionId: 'late' })]);
    await clock.advance(20_000);
    assert.ok(most <= LIMITS.inFlight, `${most} ran at once`);
    assert.ok(began.includes('late'));
    const counts = ['a', 'b', 'c'].map((lane) => began.filter((l) => l === lane).length);
    assert.ok(Math.min(...counts) * 4 >= Math.max(...counts), counts.join(' '));
    await end(clock, runner);
  });

  it('holds no more bytes than it may, and payloads of some that run for long keep no others out', async () => {
    const began: string[] = [];
    let [bytes, most] = [0, 0];
    const { clock, ledger, runner } = await world(async ({ lane, payload }) => {
      began.push(lane);
      most = Math.max(most, (bytes += payload.length));
      await new Promise<void>((resolve) => clock.after(lane === 'late' ? 1 : 600_000, resolve));
      bytes -= payload.length;
      return OK;
    });
    const large = (functionId: string, size: number) => aDelivery({ functionId, payload: Buffer.alloc(size, 'x') });
    ledger.accept([large('huge', 3_000_000)]);
    await clock.advance(1_000);
    for (const functionId of ['a', 'b', 'c']) ledger.accept(Array.from({ length: 30 }, () => large(functionId, 50_000)));
    await clock.advance(5_000);
    ledger.accept([large('late', 50_000)]);
    await clock.advance(5_000);
    assert.deepEqual([...new Set(began)].sort(), ['a', 'b', 'c', 'huge', 'late']);
    assert.ok(most <= 3_000_000 + LIMITS.payloadBytes, `${most} bytes`);
    await end(clock, runner);
  });

  it('claims for one place and writes one end within milliseconds, though others run for minutes', async () => {
    const long = new Set(['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6']);
    const began: string[] = [];
    const { clock, ledger, runner } = await world(async (claimed) => {
      began.push(claimed.eventId);
      await new Promise<void>((resolve) => clock.after(long.has(claimed.eventId) ? 300_000 : 1, resolve));
      return OK;
    });
    ledger.accept(Array.from({ length: 10 }, (_, i) => aDelivery({ id: `e${i}` })));
    await clock.advance(20);
    assert.deepEqual(
      [...began].sort(),
      Array.from({ length: 10 }, (_, i) => `e${i}`),
    );
    assert.deepEqual(ledger.end('e9'), { kind: 'succeeded' });
    assert.equal(ledger.end('e0'), null);
    await end(clock, runner);
  });

  it('makes one statement of many claims and of many ends', async () => {
    const { clock, ledger, runner } = await world(async () => {
      await new Promise<void>((resolve) => clock.after(5, resolve));
      return OK;
    });
    ledger.accept(Array.from({ length: 800 }, (_, i) => aDelivery({ id: `e${i}` })));
    await clock.advance(60_000);
    assert.deepEqual(ledger.end('e799'), { kind: 'succeeded' });
    const { claims, finishes } = ledger.statements;
    assert.ok(claims <= 800 / 3 && finishes <= 800 / 3, `${claims} claims, ${finishes} writes`);
    await end(clock, runner);
  });

  it('narrows a lane that is refused', async () => {
    let running = 0;
    const widths: number[] = [];
    const { clock, ledger, runner } = await world(async () => {
      widths.push(++running);
      await new Promise<void>((resolve) => clock.after(100, resolve));
      running--;
      return { outcome: 'throttled', errorType: 'TooManyRequestsException', message: '', response: null };
    });
    ledger.accept(Array.from({ length: 100 }, () => aDelivery()));
    await clock.advance(10_000);
    assert.equal(Math.max(...widths.slice(0, 8)), 8);
    assert.equal(Math.max(...widths.slice(-20)), 1);
    await end(clock, runner);
  });

  it('gives back at its end what still runs', async () => {
    const { clock, ledger, runner } = await world(() => new Promise(() => {}));
    ledger.accept([aDelivery({ id: 'e' })]);
    await clock.advance(10);
    await end(clock, runner);
    assert.deepEqual(ledger.released, ['e']);
  });

  it('takes nothing more once it drains, gives back what was claimed meanwhile, and waits for what runs', async () => {
    let finish = (): void => {};
    const began: string[] = [];
    const { clock, ledger, runner } = await world(async ({ eventId }) => {
      began.push(eventId);
      await new Promise<void>((resolve) => (finish = resolve));
      return OK;
    });
    ledger.accept([aDelivery({ id: 'a' })]);
    await clock.advance(10);
    ledger.accept([aDelivery({ id: 'b' })]); // its claim is under way
    let drained = false;
    const draining = runner.drain().then(() => (drained = true));
    ledger.accept([aDelivery({ id: 'c' })]);
    await clock.advance(60_000);
    assert.deepEqual([began, ledger.released, drained], [['a'], ['b'], false]);
    finish();
    await draining;
    await end(clock, runner);
    assert.deepEqual([ledger.end('a'), ledger.end('b'), ledger.end('c')], [{ kind: 'succeeded' }, null, null]);
  });

  it('puts what the outcome makes into the ledger with it', async () => {
    const { clock, ledger, runner } = await world(async () => OK, { outcomes: () => [aDelivery({ id: 'o', functionId: 'none' })] });
    ledger.accept([aDelivery({ id: 'e' })]);
    await clock.advance(10);
    assert.ok(ledger.has('o'));
    await end(clock, runner);
  });

  it('refuses to begin when the database is away', async () => {
    const clock = new VirtualClock();
    const ledger = new MemoryLedger(clock);
    ledger.away = true;
    const target: Target = { most: () => 1, limits: () => ({ retries: 0, maxAgeMs: 1 }), attempt: async () => OK };
    const runner = new DeliveryRunner({ ledger, target, outcomes: () => [], clock, log: silent, limits: LIMITS });
    await assert.rejects(runner.start(), (e) => e instanceof HearthError && e.code === 'ServiceUnavailable');
  });
});
