import { dayRule, type DayRule } from './cron-days.ts';
import { ExpressionError, numbersOf, type FieldSpec } from './cron-fields.ts';

/** The local times that an expression means, whatever the zone. */
export interface Cron {
  /** `eventbridge`: a time that the clocks leave out is left out; `unix`: it is made up for when they have changed. */
  readonly dialect: 'eventbridge' | 'unix';
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: ReadonlySet<number>;
  readonly years: ReadonlySet<number>;
  /** Days of a month on which it runs, in order. `month` is 1-12. */
  daysOf(year: number, month: number): number[];
}

const MONTH_NAMES = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAY_NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const MINUTE: FieldSpec = { name: 'minute', min: 0, max: 59 };
const HOUR: FieldSpec = { name: 'hour', min: 0, max: 23 };
const DAY: FieldSpec = { name: 'day of the month', min: 1, max: 31 };
const MONTH: FieldSpec = { name: 'month', min: 1, max: 12, names: MONTH_NAMES, nameBase: 1 };
const YEAR: FieldSpec = { name: 'year', min: 1970, max: 2199 };
/** EventBridge counts from Sunday, 1; cron from Sunday, 0 or 7. */
const EVENTBRIDGE_WEEKDAY: FieldSpec = { name: 'day of the week', min: 1, max: 7, names: DAY_NAMES, nameBase: 1 };
const UNIX_WEEKDAY: FieldSpec = { name: 'day of the week', min: 0, max: 7, names: DAY_NAMES, nameBase: 0 };

const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** `cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR)` as EventBridge has it, or the five fields of cron. Throws ExpressionError. */
export function parseCron(text: string): Cron {
  const trimmed = text.trim();
  const wrapped = /^cron\((.*)\)$/is.exec(trimmed)?.[1];
  if (wrapped !== undefined) return eventBridge(wrapped.trim().split(/\s+/));
  if (/^cron\b/i.test(trimmed)) throw new ExpressionError(`'${text}' is not closed; write cron(0 6 * * ? *)`);
  return unix((MACROS[trimmed.toLowerCase()] ?? trimmed).split(/\s+/));
}

function eventBridge(fields: readonly string[]): Cron {
  const [minute = '', hour = '', day = '', month = '', weekday = '', year = ''] = fields;
  if (fields.length !== 6) {
    throw new ExpressionError(
      `cron(...) has six fields, minute hour day month weekday year, not ${fields.length}; such as cron(0 6 * * ? *)`,
    );
  }
  if ((day === '?') === (weekday === '?')) {
    throw new ExpressionError('cron(...) needs ? for either the day of the month or the day of the week, and not for both');
  }
  const rule = day === '?' ? dayRule.weekdays(weekday, EVENTBRIDGE_WEEKDAY) : dayRule.days(day, DAY);
  return {
    dialect: 'eventbridge',
    minutes: numbersOf(minute, MINUTE),
    hours: numbersOf(hour, HOUR),
    months: new Set(numbersOf(month, MONTH)),
    years: new Set(numbersOf(year, YEAR)),
    daysOf: ordered([rule]),
  };
}

function unix(fields: readonly string[]): Cron {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  if (fields.length === 6)
    throw new ExpressionError('has six fields: EventBridge’s cron is written cron(0 6 * * ? *), plain cron has five');
  if (fields.length !== 5) {
    throw new ExpressionError(`cron has five fields, minute hour day month weekday, not ${fields.length}; such as 0 6 * * *`);
  }
  // As cron has always done it: when both are restricted, a day that fits either will do.
  const byDay = day.startsWith('*') ? null : dayRule.days(day, DAY);
  const byWeekday = weekday.startsWith('*') ? null : dayRule.weekdays(weekday, UNIX_WEEKDAY);
  const either = [byDay, byWeekday].filter((rule) => rule !== null);
  const both = [
    ...(day.startsWith('*') ? [dayRule.days(day, DAY)] : []),
    ...(weekday.startsWith('*') ? [dayRule.weekdays(weekday, UNIX_WEEKDAY)] : []),
  ];
  return {
    dialect: 'unix',
    minutes: numbersOf(minute, MINUTE),
    hours: numbersOf(hour, HOUR),
    months: new Set(numbersOf(month, MONTH)),
    years: new Set(numbersOf('*', YEAR)),
    daysOf: ordered(either.length === 0 ? [all(both)] : [all([...both, any(either)])]),
  };
}

function all(rules: readonly DayRule[]): DayRule {
  return (year, month) => {
    const [first, ...rest] = rules.map((rule) => rule(year, month));
    return new Set([...(first ?? [])].filter((day) => rest.every((days) => days.has(day))));
  };
}

function any(rules: readonly DayRule[]): DayRule {
  return (year, month) => new Set(rules.flatMap((rule) => [...rule(year, month)]));
}

function ordered(rules: readonly [DayRule]): Cron['daysOf'] {
  return (year, month) => [...rules[0](year, month)].sort((a, b) => a - b);
}
