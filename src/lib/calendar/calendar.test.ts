import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cron as Croner } from 'croner';
import { lastDue, parseSchedule, type ScheduleSpec } from './schedule.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const at = (text: string): number => Date.parse(text);

function times(spec: ScheduleSpec, from: string, count: number): string[] {
  const schedule = parseSchedule(spec, at(from));
  const found: string[] = [];
  for (let due = schedule.next(at(from)); due !== null && found.length < count; due = schedule.next(due))
    found.push(new Date(due).toISOString().slice(0, 16));
  return found;
}

function fault(spec: ScheduleSpec): string {
  try {
    parseSchedule(spec, 0);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

/** A generator that gives the same numbers in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('EventBridge’s cron', () => {
  const cases: [string, string, string[]][] = [
    // The examples of EventBridge's user guide
    ['cron(0 10 * * ? *)', '2026-11-24T12:00Z', ['2026-11-25T10:00', '2026-11-26T10:00']],
    ['cron(15 12 * * ? *)', '2026-11-24T12:00Z', ['2026-11-24T12:15', '2026-11-25T12:15']],
    ['cron(0 18 ? * MON-FRI *)', '2026-11-27T12:00Z', ['2026-11-27T18:00', '2026-11-30T18:00']],
    ['cron(0 8 1 * ? *)', '2026-11-24T12:00Z', ['2026-12-01T08:00', '2027-01-01T08:00']],
    ['cron(0/15 * * * ? *)', '2026-11-24T12:01Z', ['2026-11-24T12:15', '2026-11-24T12:30']],
    ['cron(0/10 * ? * MON-FRI *)', '2026-11-27T23:45Z', ['2026-11-27T23:50', '2026-11-30T00:00']],
    ['cron(0/5 8-17 ? * MON-FRI *)', '2026-11-27T17:51Z', ['2026-11-27T17:55', '2026-11-30T08:00']],
    ['cron(0/30 20-23,0-2 ? * MON-FRI *)', '2026-11-24T23:10Z', ['2026-11-24T23:30', '2026-11-25T00:00']],
    // Sunday is 1
    ['cron(0 9 ? * 1 *)', '2026-11-24T12:00Z', ['2026-11-29T09:00']],
    ['cron(0 9 ? * 2#1 *)', '2026-11-24T12:00Z', ['2026-12-07T09:00', '2027-01-04T09:00']],
    ['cron(0 9 ? * TUE#5 *)', '2026-11-24T12:00Z', ['2026-12-29T09:00', '2027-03-30T09:00']],
    ['cron(15 10 ? * 6L 2027-2028)', '2026-11-24T12:00Z', ['2027-01-29T10:15', '2027-02-26T10:15']],
    ['cron(0 9 L * ? *)', '2027-02-01T00:00Z', ['2027-02-28T09:00', '2027-03-31T09:00']],
    ['cron(0 9 L-2 * ? *)', '2028-02-01T00:00Z', ['2028-02-27T09:00']],
    ['cron(0 9 LW * ? *)', '2026-11-24T12:00Z', ['2026-11-30T09:00', '2026-12-31T09:00', '2027-01-29T09:00']],
    // The weekday nearest to the 1st stays in its month
    ['cron(0 9 1W * ? *)', '2026-07-15T00:00Z', ['2026-08-03T09:00', '2026-09-01T09:00']],
    ['cron(0 9 15W * ? *)', '2026-11-01T00:00Z', ['2026-11-16T09:00', '2026-12-15T09:00']],
    ['cron(0 9 31W * ? *)', '2027-01-15T00:00Z', ['2027-01-29T09:00', '2027-03-31T09:00']],
    ['cron(0 0 29 2 ? *)', '2026-11-24T12:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['cron(0 0 1 1 ? 2026,2030)', '2026-11-24T12:00Z', ['2030-01-01T00:00']],
  ];
  for (const [cron, from, expected] of cases) test(cron, () => assert.deepEqual(times({ cron }, from, expected.length), expected));
});

describe('cron with five fields', () => {
  const cases: [string, string, string[]][] = [
    ['0 6 * * *', '2026-11-24T12:00Z', ['2026-11-25T06:00']],
    ['*/20 9-10 * * 1-5', '2026-11-27T10:30Z', ['2026-11-27T10:40', '2026-11-30T09:00']],
    ['0 0 * * 7', '2026-11-24T12:00Z', ['2026-11-29T00:00']],
    ['0 0 * * sun,WED', '2026-11-24T12:00Z', ['2026-11-25T00:00', '2026-11-29T00:00']],
    // Both days restricted: either will do. One of them only stepped over: both must fit
    ['0 0 13 * 5', '2026-11-01T00:00Z', ['2026-11-06T00:00', '2026-11-13T00:00', '2026-11-20T00:00']],
    ['0 0 */2 * 5', '2026-11-01T00:00Z', ['2026-11-13T00:00', '2026-11-27T00:00']],
    ['@weekly', '2026-11-24T12:00Z', ['2026-11-29T00:00']],
  ];
  for (const [cron, from, expected] of cases) test(cron, () => assert.deepEqual(times({ cron }, from, expected.length), expected));
});

test('what is wrong is said with the part and the fix', () => {
  assert.match(fault({ cron: '0 6 * * ? *' }), /^cron: .*written cron\(0 6 \* \* \? \*\)/);
  assert.match(fault({ cron: 'cron(0 6 * * * *)' }), /needs \? for either/);
  assert.match(fault({ cron: 'cron(0 6 ? * ? *)' }), /and not for both/);
  assert.match(fault({ cron: '60 6 * * *' }), /minute '60' is out of range; minute is 0-59/);
  assert.match(fault({ cron: '0 22-2 * * *' }), /22-23,0-2/);
  assert.match(fault({ cron: '0 6 * * MOX' }), /day of the week 'MOX' is not understood; give 0-7 or SUN-SAT/);
  assert.match(fault({ cron: '0 6 30 2 *' }), /names no day/);
  assert.match(fault({ cron: 'cron(0 6 ? * 2#6 *)' }), /#1 to #5/);
  assert.match(fault({ cron: '*/0 * * * *' }), /step of at least 1/);
  assert.match(fault({ rate: 'rate(1 minutes)' }), /^rate: write rate\(1 minute\)/);
  assert.match(fault({ rate: 'rate(5 minute)' }), /write rate\(5 minutes\)/);
  assert.match(fault({ rate: 'rate(0 minutes)' }), /at least 1/);
  assert.match(fault({ rate: 'rate(5 seconds)' }), /minutes, hours or days/);
  assert.match(fault({ at: 'at(2027-02-30T06:00:00)' }), /^at: .*not a date/);
  assert.match(fault({ rate: '5 minutes', timezone: 'Europe/Madird' }), /^timezone: .*IANA/);
  assert.match(fault({ rate: '5 minutes', start: '2027-01-02', end: '2027-01-01' }), /^end: must be after start/);
});

test('a time that the clocks leave out: EventBridge leaves it out, cron makes up for it, once', () => {
  const timezone = 'Europe/Berlin'; // on 29 March 2026, 02:00 becomes 03:00
  const from = '2026-03-28T12:00Z';
  assert.deepEqual(times({ cron: 'cron(30 2 * * ? *)', timezone }, from, 2), ['2026-03-30T00:30', '2026-03-31T00:30']);
  assert.deepEqual(times({ cron: '30 2 * * *', timezone }, from, 2), ['2026-03-29T01:30', '2026-03-30T00:30']);
  assert.deepEqual(times({ cron: '0 2,3 * * *', timezone }, from, 2), ['2026-03-29T01:00', '2026-03-30T00:00']);
  assert.deepEqual(times({ at: '2026-03-29T02:30:00', timezone }, from, 1), ['2026-03-29T01:30']);
});

test('a time that the clocks show twice is due once', () => {
  const timezone = 'Europe/Berlin'; // on 25 October 2026, 03:00 becomes 02:00
  for (const cron of ['cron(30 2 * * ? *)', '30 2 * * *'])
    assert.deepEqual(times({ cron, timezone }, '2026-10-24T12:00Z', 2), ['2026-10-25T00:30', '2026-10-26T01:30']);
});

test('cron’s every hour goes on through the hour that the clocks show twice, and comes once after that which they leave out', () => {
  const every = (cron: string, timezone: string, from: string): number[] => {
    const schedule = parseSchedule({ cron, timezone }, 0);
    const found = [at(from)];
    for (let due = schedule.next(at(from)); due !== null && due < at(from) + 6 * HOUR_MS; due = schedule.next(due)) found.push(due);
    return found.slice(1).map((due, i) => (due - (found[i] ?? 0)) / MINUTE_MS);
  };
  for (const [timezone, from] of [
    ['Europe/Berlin', '2026-10-24T22:00Z'],
    ['Europe/Berlin', '2026-03-28T22:00Z'],
    ['America/Santiago', '2026-04-05T00:00Z'],
    ['Australia/Lord_Howe', '2027-04-03T12:00Z'],
  ] as const) {
    assert.deepEqual([...new Set(every('*/5 * * * *', timezone, from))], [5], timezone);
    if (timezone !== 'Australia/Lord_Howe') assert.deepEqual([...new Set(every('0 * * * *', timezone, from))], [60], timezone);
  }
  // Its hours named, it is due at these hours, and EventBridge says that no time comes again.
  assert.deepEqual(every('0 1,2,3 * * *', 'Europe/Berlin', '2026-10-24T22:00Z'), [60, 60, 120]);
  assert.deepEqual(every('cron(0 * * * ? *)', 'Europe/Berlin', '2026-10-24T22:00Z'), [60, 60, 120, 60]);
});

test('a day that the calendar of a zone left out', () => {
  const timezone = 'Pacific/Apia'; // there was no 30 December 2011
  assert.deepEqual(times({ cron: 'cron(0 9 * * ? *)', timezone }, '2011-12-29T12:00Z', 2), ['2011-12-29T19:00', '2011-12-30T19:00']);
  assert.deepEqual(times({ cron: '0 8,9 30,31 12 *', timezone }, '2011-12-29T20:00Z', 2), ['2011-12-30T18:00', '2011-12-30T19:00']);
});

test('rates count from start, else from when they came to be; nothing is due outside of start and end', () => {
  assert.deepEqual(times({ rate: 'rate(5 minutes)' }, '2026-11-24T12:03Z', 2), ['2026-11-24T12:08', '2026-11-24T12:13']);
  const window = { rate: '1 hour', start: '2027-01-01T00:30:00', end: '2027-01-01T02:30:00' };
  assert.deepEqual(times(window, '2026-11-24T12:00Z', 9), ['2027-01-01T00:30', '2027-01-01T01:30', '2027-01-01T02:30']);
  assert.deepEqual(times({ everySeconds: 90 }, '2026-11-24T12:00Z', 2), ['2026-11-24T12:01', '2026-11-24T12:03']);
  assert.deepEqual(times({ at: 'at(2027-01-01T06:00:00)', timezone: 'Asia/Tokyo' }, '2026-11-24T12:00Z', 9), ['2026-12-31T21:00']);
  assert.deepEqual(times({ cron: '0 0 * * *', end: '2026-11-26T00:00:00+00:00' }, '2026-11-24T12:00Z', 9), [
    '2026-11-25T00:00',
    '2026-11-26T00:00',
  ]);
});

/** Every minute of a span, asked of the clocks themselves: the definition, without any of the arithmetic. */
function bruteForce(
  cron: { minutes: number[]; hours: number[]; weekdays: number[] },
  timezone: string,
  fromMs: number,
  untilMs: number,
): number[] {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    weekday: 'short',
  });
  const seen = new Set<string>();
  const found: number[] = [];
  for (let ms = fromMs - 3 * HOUR_MS; ms <= untilMs; ms += MINUTE_MS) {
    const shown = format.format(ms);
    if (seen.has(shown)) continue;
    seen.add(shown);
    const [, hour, minute] = /(\d\d):(\d\d)$/.exec(shown) ?? [];
    const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(shown.slice(0, 3));
    if (cron.minutes.includes(Number(minute)) && cron.hours.includes(Number(hour)) && cron.weekdays.includes(weekday) && ms > fromMs)
      found.push(ms);
  }
  return found;
}

test('on days with a change of the clocks, against every minute of the clocks themselves', () => {
  const random = seeded(7);
  const some = (count: number, below: number): number[] =>
    [...new Set(Array.from({ length: count }, () => random(below)))].sort((a, b) => a - b);
  const changes: [string, string][] = [
    ['Europe/Berlin', '2026-03-28T00:00Z'],
    ['Europe/Berlin', '2026-10-24T00:00Z'],
    ['America/New_York', '2027-03-13T00:00Z'],
    ['America/New_York', '2026-10-31T00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T00:00Z'], // half an hour
    ['Australia/Lord_Howe', '2027-04-03T00:00Z'],
    ['America/Santiago', '2026-09-05T00:00Z'], // at midnight
    ['Asia/Kathmandu', '2026-05-01T00:00Z'], // no change, an odd offset
    ['UTC', '2026-05-01T00:00Z'],
  ];
  for (const [timezone, day] of changes) {
    for (let round = 0; round < 12; round++) {
      const parts = { minutes: some(3, 60), hours: some(4, 24), weekdays: some(5, 7) };
      const fromMs = at(day) + random(6 * 60) * MINUTE_MS;
      const untilMs = fromMs + 3 * 24 * HOUR_MS;
      const cron = `cron(${parts.minutes.join(',')} ${parts.hours.join(',')} ? * ${parts.weekdays.map((d) => d + 1).join(',')} *)`;
      const schedule = parseSchedule({ cron, timezone }, 0);
      const found: number[] = [];
      for (let due = schedule.next(fromMs); due !== null && due <= untilMs; due = schedule.next(due)) found.push(due);
      assert.deepEqual(
        found,
        bruteForce(parts, timezone, fromMs, untilMs),
        `${cron} in ${timezone} from ${new Date(fromMs).toISOString()}`,
      );
    }
  }
});

test('five fields in UTC, against croner', () => {
  const random = seeded(11);
  const pick = (choices: string[]): string => choices[random(choices.length)] ?? '*';
  for (let round = 0; round < 300; round++) {
    const minute = pick(['*', '0', '*/7', '5-50/9', '1,31']);
    const hour = pick(['*', '*/5', '22', '8-17']);
    const day = pick(['*', '1', '15,31', '10-20', 'L', '15W', 'LW']);
    const month = pick(['*', '2', '*/3', 'JAN,DEC']);
    const weekday = day === '*' ? pick(['*', '1-5', 'SUN', '7', '5#2']) : '*';
    const cron = [minute, hour, day, month, weekday].join(' ');
    const from = at('2026-01-01T00:00Z') + random(3 * 365 * 24 * 60) * MINUTE_MS;
    const expected = new Croner(`0 ${cron}`, { timezone: 'UTC', paused: true })
      .nextRuns(3, new Date(from))
      .map((d) => d.toISOString().slice(0, 16));
    assert.deepEqual(times({ cron }, new Date(from).toISOString(), 3), expected, `${cron} from ${new Date(from).toISOString()}`);
  }
});

test('lastDue is the last of what next gives, however long the span', () => {
  const random = seeded(3);
  for (const spec of [{ everySeconds: 7 }, { cron: '*/13 * * * *' }, { cron: 'cron(0 9 ? * 2#1 *)' }, { at: '2026-06-01T00:00:00' }]) {
    const schedule = parseSchedule(spec, at('2026-01-01T00:00Z'));
    for (let round = 0; round < 10; round++) {
      const after = at('2026-01-01T00:00Z') + random(90 * 24 * 3600) * 1000;
      const until = after + random(90 * 24 * 3600) * 1000;
      let expected: number | null = null;
      for (let due = schedule.next(after); due !== null && due <= until; due = schedule.next(due)) expected = due;
      assert.equal(lastDue(schedule, after, until), expected);
    }
  }
  assert.equal(lastDue(parseSchedule({ everySeconds: 1 }, 0), 0, at('2026-01-01T00:00Z')), at('2026-01-01T00:00Z'));
});
