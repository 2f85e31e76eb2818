import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE_MS, record, START, world } from './testing/world.ts';

test('fires at each time, with the event of EventBridge', async () => {
  const { ledger, open, advance } = world();
  const source = open(record({ cron: '*/5 * * * *', name: 'nightly' }));
  await advance(11 * MINUTE_MS);
  await source.close();
  assert.deepEqual(ledger.times(), ['12:05', '12:10']);
  const [first] = ledger.fired;
  const event = JSON.parse(first?.delivery.payload.toString() ?? '') as Record<string, unknown>;
  const arn = 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/nightly';
  assert.match(String(event['id']), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  delete event['id'];
  assert.deepEqual(event, {
    version: '0',
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    account: '000000000000',
    time: '2026-11-24T12:05:00Z',
    region: 'us-east-1',
    resources: [arn],
    detail: {},
  });
  assert.equal(first?.delivery.id, 'schedule:11111111-1111-4111-8111-111111111111:2026-11-24T12:05:00.000Z');
  assert.equal(first?.delivery.sourceArn, arn);
});

test('an input is the event, with Scheduler’s keywords filled in', async () => {
  const { ledger, open, advance } = world();
  const input = { at: ['<aws.scheduler.scheduled-time>'], who: 'from <aws.scheduler.schedule-arn>', n: 1, other: '<aws.other>' };
  const source = open(record({ rate: 'rate(1 minute)', input, name: 'n' }));
  await advance(MINUTE_MS);
  await source.close();
  assert.deepEqual(JSON.parse(ledger.fired[0]?.delivery.payload.toString() ?? ''), {
    at: ['2026-11-24T12:01:30Z'],
    who: 'from arn:aws:scheduler:us-east-1:000000000000:schedule/default/n',
    n: 1,
    other: '<aws.other>',
  });
});

test('after hours of being away there is one catch-up run, of the last missed time, then the schedule goes on', async () => {
  const { ledger, open, advance } = world();
  const r = record({ cron: '*/5 * * * *' });
  const before = open(r);
  await advance(5 * MINUTE_MS);
  await before.close();
  await advance(5 * 60 * MINUTE_MS);
  const after = open(r);
  await advance(6 * MINUTE_MS);
  await after.close();
  assert.deepEqual(ledger.times(), ['12:05', '17:05', '17:10']);
});

test('a clock that is set forward gives one catch-up run; set back, no time comes twice', async () => {
  const { clock, ledger, open, advance } = world();
  const source = open(record({ cron: '*/5 * * * *' }));
  await advance(5 * MINUTE_MS);
  clock.setByMs = 60 * MINUTE_MS;
  await advance(2 * MINUTE_MS);
  assert.deepEqual(ledger.times(), ['12:05', '13:05']);
  clock.setByMs = 0;
  await advance(60 * MINUTE_MS);
  await source.close();
  assert.deepEqual(ledger.times(), ['12:05', '13:05']);
});

test('what was remembered under a clock that was years ahead does not silence a schedule', async () => {
  const { ledger, open, advance } = world();
  ledger.last.set(record({ rate: '1 minute' }).id, START + 5 * 366 * 24 * 60 * MINUTE_MS);
  const source = open(record({ cron: '*/5 * * * *' }));
  await advance(5 * MINUTE_MS);
  await source.close();
  assert.deepEqual(ledger.times(), ['12:05']);
});

test('what was deployed under a clock that was years ahead is not silent until then', async () => {
  const { ledger, open, advance } = world();
  const source = open(record({ rate: '5 minutes' }, { changedAtMs: START + 5 * 366 * 24 * 60 * MINUTE_MS }));
  await advance(11 * MINUTE_MS);
  await source.close();
  assert.deepEqual(ledger.times(), ['12:05', '12:10']);
});

test('a clock that was a year ahead and is set right silences no schedule, while it runs', async () => {
  const { clock, ledger, open, advance } = world();
  const often = record({ cron: '*/5 * * * *' });
  const daily = record({ cron: '20 12 * * *' }, { id: '22222222-1111-4111-8111-111111111111' });
  const off = record({ rate: '1 minute', enabled: false }, { id: '33333333-1111-4111-8111-111111111111' });
  const source = open(often, daily, off);
  await advance(5 * MINUTE_MS);
  clock.setByMs = 365 * 24 * 60 * MINUTE_MS;
  await advance(6 * MINUTE_MS);
  const ahead = ledger.fired.length;
  assert.ok(ahead >= 3 && ledger.fired.slice(1).every((f) => f.atMs > clock.now() - 24 * 60 * MINUTE_MS), String(ledger.times()));
  clock.setByMs = 0;
  await advance(10 * MINUTE_MS);
  assert.deepEqual(
    ledger.fired.slice(ahead).map((f) => new Date(f.atMs).toISOString()),
    ['2026-11-24T12:15:00.000Z', '2026-11-24T12:20:00.000Z', '2026-11-24T12:20:00.000Z'],
  );
  assert.equal(source.status(off.id)?.state, 'disabled');
  await source.close();
});

test('killed after the commit, and started twice in quick succession: each time is one delivery', async () => {
  const { ledger, open, advance } = world();
  const r = record({ cron: '*/5 * * * *' });
  const first = open(r);
  ledger.loseAnswer = true;
  await advance(5 * MINUTE_MS);
  const second = open(r); // the first was killed: it was never closed, and its answer never came
  ledger.loseAnswer = false;
  await advance(1);
  const third = open(r);
  await advance(MINUTE_MS);
  for (const source of [first, second, third]) await source.close();
  assert.deepEqual(ledger.times(), ['12:05']);
});

test('while the database is away schedules wait and say so; then one run makes up for it', async () => {
  const { ledger, open, advance } = world();
  const r = record({ cron: '* * * * *' });
  const source = open(r);
  await advance(MINUTE_MS);
  ledger.away = true;
  await advance(10 * MINUTE_MS);
  assert.equal(source.status(r.id)?.state, 'waiting');
  assert.match(source.status(r.id)?.detail ?? '', /database is away/);
  ledger.away = false;
  await advance(MINUTE_MS);
  await source.close();
  assert.deepEqual(ledger.times(), ['12:01', '12:11', '12:12']);
});

test('a flexible window: somewhere within it, at the same place in every run, once for each time', async () => {
  const place = async (): Promise<number[]> => {
    const { clock, ledger, open, advance } = world();
    const source = open(record({ cron: '0 * * * *', flexibleMinutes: 20 }));
    const places: number[] = [];
    for (let minute = 0; minute < 180; minute++) {
      const before = ledger.fired.length;
      await advance(MINUTE_MS);
      for (const f of ledger.fired.slice(before)) places.push(Math.floor((clock.now() - f.atMs) / MINUTE_MS));
    }
    await source.close();
    assert.deepEqual(ledger.times(), ['13:00', '14:00', '15:00'].slice(0, ledger.fired.length));
    return places;
  };
  const places = await place();
  assert.ok(places.length >= 2 && places.every((p) => p >= 0 && p <= 21), String(places));
  assert.deepEqual(await place(), places);
});

test('a change of what a schedule brings loses no time whose moment within the window is still to come', async () => {
  const { clock, ledger, open, advance } = world();
  const daily = { cron: '0 13 * * *', flexibleMinutes: 60 };
  const once = { at: '2026-11-24T13:00:00', flexibleMinutes: 60 };
  const id = '22222222-1111-4111-8111-111111111111';
  const source = open(record({ ...daily, input: 1 }), record({ ...once, input: 1 }, { id }));
  await advance(60 * MINUTE_MS);
  assert.equal(ledger.fired.length, 0);
  source.start(record({ ...daily, input: 2 }, { changedAtMs: clock.now() }));
  source.start(record({ ...once, input: 2 }, { id, changedAtMs: clock.now() }));
  await advance(60 * MINUTE_MS);
  await source.close();
  assert.deepEqual(ledger.times(), ['13:00', '13:00']);
  assert.deepEqual(
    ledger.fired.map((f) => f.delivery.payload.toString()),
    ['2', '2'],
  );
});

test('once: at fires once for ever, and one that lies in the past ends', async () => {
  const { ledger, open, advance } = world();
  const once = record({ at: '2026-11-24T12:10:00' });
  const past = record({ at: '2026-11-24T11:00:00' }, { id: '22222222-1111-4111-8111-111111111111' });
  const source = open(once, past);
  await advance(20 * MINUTE_MS);
  assert.equal(source.status(once.id)?.state, 'ended');
  assert.equal(source.status(past.id)?.state, 'ended');
  await source.close();
  const again = open(once);
  await advance(20 * MINUTE_MS);
  await again.close();
  assert.deepEqual(ledger.times(), ['12:10']);
});

test('disabled does nothing; stopped does nothing more; a change of the input goes on with the same times', async () => {
  const { clock, ledger, open, advance } = world();
  const changed = (schedule: unknown) => record(schedule, { changedAtMs: clock.now() });
  const off = record({ rate: '1 minute', enabled: false });
  const source = open(off);
  await advance(3 * MINUTE_MS);
  assert.equal(source.status(off.id)?.state, 'disabled');
  source.start(changed({ cron: '*/2 * * * *', input: 1 }));
  await advance(2 * MINUTE_MS);
  source.start(changed({ cron: '*/2 * * * *', input: 2 }));
  await advance(2 * MINUTE_MS);
  await source.stop(off.id);
  await advance(9 * MINUTE_MS);
  assert.equal(source.status(off.id), null);
  await source.close();
  assert.deepEqual(
    ledger.fired.map((f) => f.delivery.payload.toString()),
    ['1', '2'],
  );
});

test('ten thousand schedules are one timer, and each fires', async () => {
  const { clock, ledger, open, advance } = world();
  let most = 0;
  const records = Array.from({ length: 10_000 }, (_, i) =>
    record({ cron: `${i % 60} * * * *` }, { id: `${String(i).padStart(8, '0')}-1111-4111-8111-111111111111` }),
  );
  // Deliveries by id are looked up in a list above; here nothing comes twice by construction.
  ledger.fire = async (firings) => void ledger.fired.push(...firings);
  const source = open(...records);
  for (let minute = 0; minute < 61; minute++) {
    most = Math.max(most, clock.armed);
    await advance(MINUTE_MS);
  }
  await source.close();
  assert.equal(most, 1);
  assert.equal(clock.armed, 0);
  assert.equal(new Set(ledger.fired.map((f) => f.triggerId)).size, 10_000);
});
