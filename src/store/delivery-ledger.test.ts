import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Kysely, PostgresDialect } from 'kysely';
import { Client } from 'pg';
import { openTestDatabase, type TestDatabase } from '../../test/fixtures/test-database.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { aDelivery } from '../model/testing/a-delivery.ts';
import type { Claimed, Finished, NextStep } from '../triggers/ledger/ledger.ts';
import { listQuery } from './delivery-book.ts';
import { openDatabase, type DatabaseStore } from './postgres-store.ts';

const ALL = 1_000_000;

/** Only to have statements as text. */
const compiling = new Kysely<object>({ dialect: new PostgresDialect({ pool: null as never }) });

describe('the ledger as workers use it', () => {
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
  beforeEach(() => client.query('delete from hearth.delivery'));
  const claim = (most = 100, lane = 'f-1') => store.ledger.claim([{ lane, most }], ALL);
  const ids = (claims: readonly Claimed[]) => claims.map((c) => c.eventId);
  const finish = (claims: readonly Claimed[], next: NextStep = { kind: 'succeeded' }, change: Partial<Finished> = {}) =>
    store.ledger.finish(claims.map((claimed) => ({ claimed, next, record: recordOf(claimed), outcomes: [], ...change })));
  const states = async () =>
    Object.fromEntries((await client.query('select event_id, state from hearth.delivery')).rows.map((r) => [r.event_id, r.state]));

  it('gives each delivery to one claim, the oldest first, as it was accepted', async () => {
    const given = aDelivery({ id: 'first', subject: 'b/k', qualifier: '3', traceId: 't', lineage: 'l:1', requestId: 'r', occurredAtMs: 5 });
    await store.intake.accept([given, ...Array.from({ length: 99 }, () => aDelivery())]);
    const claims = (await Promise.all(Array.from({ length: 10 }, () => claim(10)))).flat();
    assert.equal(new Set(ids(claims)).size, 100);
    const { seq, ageMs, ...first } = claims.find((c) => c.eventId === 'first')!;
    assert.ok(Number(seq) > 0 && ageMs >= 0);
    assert.deepEqual(first, {
      eventId: 'first',
      lane: 'f-1',
      qualifier: '3',
      functionId: 'f-1',
      source: 'async',
      sourceArn: '',
      subject: 'b/k',
      orderKey: null,
      requestId: 'r',
      payload: given.payload,
      clientContext: '',
      lineage: 'l:1',
      traceId: 't',
      occurredAtMs: 5,
      attempt: 1,
      functionErrors: 0,
      systemErrors: 0,
    });
    assert.deepEqual(await claim(), []);
  });

  it('keeps to the bytes it may claim, and to the lanes it was asked for', async () => {
    await store.intake.accept(Array.from({ length: 5 }, () => aDelivery({ payload: Buffer.alloc(100) })));
    await store.intake.accept([aDelivery({ functionId: 'f-2' })]);
    assert.equal((await store.ledger.claim([{ lane: 'f-1', most: 10 }], 250)).length, 3);
    assert.deepEqual((await store.ledger.readyLanes(10)).sort(), ['f-1', 'f-2']);
    assert.equal(
      (
        await store.ledger.claim(
          [
            { lane: 'f-1', most: 1 },
            { lane: 'f-2', most: 1 },
          ],
          ALL,
        )
      ).length,
      2,
    );
    assert.deepEqual(await store.ledger.readyLanes(10), ['f-1']);
  });

  it('runs those of a key one at a time and in order; one that fails lets the next out, one that is tried again does not', async () => {
    const of = (id: string, orderKey: string | null) => aDelivery({ id, orderKey });
    await store.intake.accept([of('a1', 'a'), of('a2', 'a'), of('b1', 'b'), of('x', null), of('a3', 'a')]);
    const first = await claim();
    assert.deepEqual(ids(first), ['a1', 'b1', 'x']);
    await finish(
      first.filter((c) => c.eventId === 'a1'),
      { kind: 'again', delayMs: 0, functionErrors: 1, systemErrors: 0 },
    );
    const again = await claim();
    assert.deepEqual([ids(again), again[0]?.attempt, again[0]?.functionErrors], [['a1'], 2, 1]);
    await finish(again, { kind: 'failed', reason: 'RetriesExhausted' });
    assert.deepEqual(ids(await claim()), ['a2']);
    assert.deepEqual(await states(), { a1: 'failed', a2: 'running', a3: 'held', b1: 'running', x: 'running' });
  });

  it('never lets two of a key out, nor forgets one, while many come and end at once', async () => {
    const accepted: string[] = [];
    const ended: string[] = [];
    const producing = Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        await store.intake.accept([aDelivery({ id: `e${i}`, orderKey: `k${i % 3}` })]);
        accepted.push(`e${i}`);
      }),
    );
    while (ended.length < 60) {
      const claims = await claim();
      const keys = claims.map((c) => c.orderKey);
      assert.equal(new Set(keys).size, keys.length);
      await finish(claims);
      ended.push(...ids(claims));
    }
    await producing;
    assert.deepEqual([...ended].sort(), [...accepted].sort());
  });

  it('ignores the end of what is no longer ours, outcomes included', async () => {
    await store.intake.accept([aDelivery({ id: 'e' })]);
    const stale = await claim();
    assert.equal(await store.ledger.reclaim(true), 1);
    const present = await claim();
    assert.equal(present[0]?.attempt, 2);
    await finish(stale, { kind: 'failed', reason: 'RetriesExhausted' }, { outcomes: [aDelivery({ id: 'o' })] });
    assert.deepEqual(await states(), { e: 'running' });
    await finish(present, { kind: 'succeeded' }, { outcomes: [aDelivery({ id: 'o' })] });
    assert.deepEqual(await states(), { e: 'succeeded', o: 'ready' });
  });

  it('makes due what has lost its lease, not what is renewed', async () => {
    await store.intake.accept([aDelivery({ id: 'kept' }), aDelivery({ id: 'lost' })]);
    const claims = await claim();
    await client.query(`update hearth.delivery set lease_until = now() - interval '1 second'`);
    await store.ledger.renew(claims.filter((c) => c.eventId === 'kept').map((c) => c.seq));
    assert.equal(await store.ledger.reclaim(false), 1);
    assert.deepEqual(await states(), { kept: 'running', lost: 'ready' });
    await store.ledger.release(claims);
    assert.deepEqual(await states(), { kept: 'ready', lost: 'ready' });
  });

  it('keeps what attempts came to, the newest twenty, whatever their messages hold', async () => {
    await store.intake.accept([aDelivery({ id: 'e' })]);
    for (let i = 0; i < 25; i++) {
      const [claimed] = await claim();
      const record = { ...recordOf(claimed!), message: `${i} \0 \ud83d "quoted" \\u0000` };
      await finish([claimed!], { kind: 'again', delayMs: 0, functionErrors: 0, systemErrors: i + 1 }, { record });
    }
    const [found] = await store.deliveries.find('e');
    assert.equal(found?.attempts, 25);
    assert.deepEqual(
      found?.history.map((h) => h.attempt),
      Array.from({ length: 20 }, (_, i) => i + 6),
    );
    assert.match(found?.history[0]?.message ?? '', /^5 \ufffd \ufffd "quoted"/);
  });

  it('lists by function, state, source, beginning of the subject and time, newest first and in pages', async () => {
    await store.intake.accept([
      aDelivery({ id: '1', subject: 'in/a%b.jpg', source: 'objects' }),
      aDelivery({ id: '2', subject: 'in/a_b.jpg', source: 'objects' }),
      aDelivery({ id: '3', functionId: 'f-2', subject: 'in/a%b.jpg' }),
    ]);
    await finish(await claim(1));
    const list = async (filter: Parameters<DatabaseStore['deliveries']['list']>[0], limit = 10, beforeSeq?: string) =>
      (await store.deliveries.list(filter, { limit, beforeSeq })).map((d) => d.eventId);
    assert.deepEqual(await list({}), ['3', '2', '1']);
    assert.deepEqual(await list({ prefix: 'in/a%' }), ['3', '1']);
    assert.deepEqual(await list({ functionId: 'f-1', state: 'waiting' }), ['2']);
    assert.deepEqual(await list({ source: 'objects', state: 'succeeded' }), ['1']);
    assert.deepEqual(await list({ fromMs: Date.now() + 60_000 }), []);
    const page = await store.deliveries.list({}, { limit: 2 });
    assert.deepEqual(await list({}, 2, page.at(-1)?.seq), ['1']);
    assert.deepEqual(
      (await store.deliveries.counts()).map((c) => [c.functionId, c.state, c.count]),
      [
        ['f-1', 'ready', 1],
        ['f-1', 'succeeded', 1],
        ['f-2', 'ready', 1],
      ],
    );
  });

  it('finds what is not finished by the indexes of the queue, however much there is beside it', async () => {
    await client.query(`insert into hearth.delivery (event_id, lane, function_id, source, source_arn, subject, payload, lineage, trace_id, occurred_at, state)
      select 'done' || n, 'f-1', 'f-1', 'async', '', '', '{}', '', '', now(), 'succeeded' from generate_series(1, 20000) n`);
    await store.intake.accept(['1', '2', '3'].map((id) => aDelivery({ id, orderKey: 'k' })));
    await client.query('analyze hearth.delivery');
    for (const state of ['waiting', 'ready', 'held', 'running'] as const) {
      const { sql: text, parameters } = listQuery({ state }, { limit: 50 }).compile(compiling);
      const { rows } = await client.query<Record<string, string>>(`explain ${text}`, [...parameters]);
      const plan = rows.map((r) => r['QUERY PLAN']).join('\n');
      assert.doesNotMatch(plan, /Seq Scan/, state);
      assert.ok((plan.match(/delivery_pkey/g) ?? []).length <= 1, `${state}: ${plan}`); // for the few that were found
    }
    const found = async (state: 'waiting' | 'held' | 'ready' | 'running') =>
      (await store.deliveries.list({ state }, { limit: 50 })).map((d) => d.eventId);
    assert.deepEqual([await found('waiting'), await found('held'), await found('ready')], [['3', '2', '1'], ['3', '2'], ['1']]);
    await claim();
    assert.deepEqual(await found('running'), ['1']);
  });

  it('drives again what is finished, in the order of its key', async () => {
    const of = (id: string, subject: string) => aDelivery({ id, subject, orderKey: 'k' });
    await store.intake.accept([of('1', 'in/1'), of('2', 'in/2'), of('3', 'out/3')]);
    for (const reason of ['RetriesExhausted', 'EventAgeExceeded'] as const) await finish(await claim(), { kind: 'failed', reason });
    await finish(await claim());
    assert.equal(await store.deliveries.redrive({ state: 'failed', prefix: 'in/', fromMs: Date.now() + 60_000 }), 0, 'since a date');
    assert.equal(await store.deliveries.redrive({ state: 'failed', prefix: 'in/', fromMs: Date.now() - 60_000 }), 2);
    assert.deepEqual(await states(), { 1: 'ready', 2: 'held', 3: 'succeeded' });
    assert.equal(await store.deliveries.redrive({ state: 'failed' }), 0);
    assert.equal(await store.deliveries.redrive({ event: '3' }), 1);
    const order: string[] = [];
    for (let claims = await claim(); claims.length > 0; claims = await claim()) {
      order.push(...ids(claims));
      await finish(claims);
    }
    assert.deepEqual(order, ['1', '2', '3']);
  });

  it('knows whether what came before a batch, shared out to other orders, is still to be run', async () => {
    const of = (id: string, orderKey: string) => aDelivery({ id, orderKey });
    await store.intake.accept([of('1', 't/0'), of('2', 't/1'), of('3', 'other/0'), of('4', 't/1-0'), of('5', 't/1-1'), of('6', 't/2-0')]);
    const claims = await claim();
    const isBehind = (id: string, own: string) =>
      store.batches.isBehind(
        claims.find((c) => c.eventId === id)!,
        { all: 't/', own },
      );
    assert.deepEqual([await isBehind('4', 't/1-'), await isBehind('6', 't/2-')], [true, true]);
    await finish(claims.filter((c) => c.eventId === '1'));
    await store.ledger.release(claims.filter((c) => c.eventId === '2'));
    assert.equal(await isBehind('4', 't/1-'), true, 'what waits counts as what runs does');
    await finish(await claim());
    assert.deepEqual([await isBehind('4', 't/1-'), await isBehind('6', 't/2-')], [false, true], 'what came later does not count');
    await finish(
      claims.filter((c) => ['4', '5'].includes(c.eventId)),
      { kind: 'failed', reason: 'RetriesExhausted' },
    );
    assert.equal(await isBehind('6', 't/2-'), false);
  });

  it('gives what is not finished of a trigger to another function: what runs ends where it runs, and lets out the next there', async () => {
    const of = (id: string, orderKey: string) => aDelivery({ id, orderKey });
    await store.intake.accept([of('1', 't/0'), of('2', 't/0'), of('3', 't/0'), of('4', 't/1'), of('x', 'other/0'), of('0', 't/2')]);
    const running = await claim();
    const one = running.filter((c) => c.eventId === '1');
    await finish(running.filter((c) => c.eventId === '0'));
    await finish(
      running.filter((c) => c.eventId === '4'),
      { kind: 'again', delayMs: 60_000, functionErrors: 1, systemErrors: 0 },
    );
    await store.batches.readdress('t/', { functionId: 'f-2', qualifier: 'live' });
    const lanes = async () =>
      (await client.query('select event_id, lane, function_id, qualifier, state from hearth.delivery order by event_id')).rows.map((r) =>
        [r.event_id, r.lane, r.function_id, r.qualifier, r.state].join(' '),
      );
    assert.deepEqual(await lanes(), [
      '0 f-1 f-1  succeeded',
      '1 f-2 f-2 live running',
      '2 f-2 f-2 live held',
      '3 f-2 f-2 live held',
      '4 f-2 f-2 live ready',
      'x f-1 f-1  running',
    ]);
    const moved = await claim(100, 'f-2');
    assert.deepEqual([ids(moved), moved[0]?.qualifier, moved[0]?.functionErrors], [['4'], 'live', 1], 'due at once, with its count');
    await finish(one, { kind: 'failed', reason: 'RetriesExhausted' });
    assert.deepEqual(ids(await claim(100, 'f-2')), ['2']);
    await store.intake.accept([aDelivery({ id: '5', functionId: 'f-2', qualifier: 'live', orderKey: 't/0' })]);
    assert.equal((await states())['5'], 'held', 'behind what was moved');
    assert.deepEqual(await claim(), []);
  });

  it('removes what is finished and too old or too many, never what is not finished', async () => {
    await store.intake.accept(Array.from({ length: 10 }, (_, i) => aDelivery({ id: `${i}` })));
    await finish(await claim(6));
    assert.equal(await store.deliveries.sweep({ ms: 3_600_000, count: 100 }), 0);
    assert.equal(await store.deliveries.sweep({ ms: 3_600_000, count: 7 }), 3);
    await client.query(`update hearth.delivery set accepted_at = now() - interval '2 hours'`);
    assert.equal(await store.deliveries.sweep({ ms: 3_600_000, count: 100 }), 3);
    assert.deepEqual(Object.keys(await states()), ['6', '7', '8', '9']);
  });
});

function recordOf(claimed: Claimed): Finished['record'] {
  const { attempt, requestId } = claimed;
  return { attempt, requestId, startedAtMs: 1, durationMs: 2, outcome: 'ok', errorType: '', message: '' };
}
