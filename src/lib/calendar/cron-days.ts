import { fault, itemNumbers, numberOf, type FieldSpec } from './cron-fields.ts';

/** Days of a month that a field means. `month` is 1-12. */
export type DayRule = (year: number, month: number) => Set<number>;

const SUNDAY = 0;
const SATURDAY = 6;

/** Rules from the two fields that mean days. They throw ExpressionError. */
export const dayRule = {
  /** `1,15`, `L`, `L-3`, `15W`, `LW`. */
  days: (text: string, spec: FieldSpec): DayRule => union(text.split(',').map((item) => dayItem(item.toUpperCase(), spec))),
  /** `MON-FRI`, `L` (Saturday), `6L` (the last of the month), `3#2` (the second). The field's numbers count from its Sunday. */
  weekdays: (text: string, spec: FieldSpec): DayRule => union(text.split(',').map((item) => weekdayItem(item.toUpperCase(), spec))),
};

function union(rules: readonly DayRule[]): DayRule {
  const [only] = rules;
  if (only !== undefined && rules.length === 1) return only;
  return (year, month) => new Set(rules.flatMap((rule) => [...rule(year, month)]));
}

function dayItem(item: string, spec: FieldSpec): DayRule {
  const before = /^L-(\d{1,2})$/.exec(item)?.[1];
  if (before !== undefined) {
    const days = Number(before);
    if (days < 1 || days > 30) throw fault(spec, item, 'counts back 1 to 30 days from the last');
    return (year, month) => fitting(year, month, [lastDay(year, month) - days]);
  }
  if (item === 'L') return (year, month) => new Set([lastDay(year, month)]);
  if (item === 'LW') return (year, month) => new Set([nearestWeekday(year, month, lastDay(year, month))]);
  if (/^\d{1,2}W$/.test(item)) {
    const day = numberOf(item.slice(0, -1), item, spec);
    return (year, month) => (day > lastDay(year, month) ? new Set() : new Set([nearestWeekday(year, month, day)]));
  }
  const days = itemNumbers(item, spec);
  return (year, month) => fitting(year, month, days);
}

function weekdayItem(item: string, spec: FieldSpec): DayRule {
  const [, nthName, nth] = /^([A-Z0-9]+)#(\d+)$/.exec(item) ?? [];
  if (nthName !== undefined) {
    const weekday = weekdayOf(numberOf(nthName, item, spec), spec);
    const count = Number(nth);
    if (count < 1 || count > 5) throw fault(spec, item, 'counts the first to the fifth of a month: #1 to #5');
    return (year, month) => fitting(year, month, [firstOf(year, month, weekday) + 7 * (count - 1)]);
  }
  const last = /^([A-Z0-9]+)L$/.exec(item)?.[1];
  if (last !== undefined) {
    const weekday = weekdayOf(numberOf(last, item, spec), spec);
    return (year, month) => {
      const fifth = firstOf(year, month, weekday) + 28;
      return new Set([fifth <= lastDay(year, month) ? fifth : fifth - 7]);
    };
  }
  const weekdays = new Set(item === 'L' ? [SATURDAY] : itemNumbers(item, spec).map((n) => weekdayOf(n, spec)));
  return (year, month) => {
    const first = weekdayAt(year, month, 1);
    return new Set(upTo(lastDay(year, month)).filter((day) => weekdays.has((first + day - 1) % 7)));
  };
}

/** 0 for Sunday. */
function weekdayOf(n: number, spec: FieldSpec): number {
  return (n - (spec.nameBase ?? 0)) % 7;
}

/** The first day of a month that is that weekday. */
function firstOf(year: number, month: number, weekday: number): number {
  return 1 + ((weekday - weekdayAt(year, month, 1) + 7) % 7);
}

/** The day nearest to `day` that is none of the weekend, within the month. */
function nearestWeekday(year: number, month: number, day: number): number {
  const weekday = weekdayAt(year, month, day);
  if (weekday === SATURDAY) return day > 1 ? day - 1 : day + 2;
  if (weekday === SUNDAY) return day < lastDay(year, month) ? day + 1 : day - 2;
  return day;
}

function fitting(year: number, month: number, days: readonly number[]): Set<number> {
  const last = lastDay(year, month);
  return new Set(days.filter((day) => day >= 1 && day <= last));
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

function lastDay(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function weekdayAt(year: number, month: number, day: number): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}
