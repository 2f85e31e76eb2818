import { ExpressionError } from './cron-fields.ts';
import { nextOfCron } from './cron-next.ts';
import { parseCron, type Cron } from './cron.ts';
import { UTC, Zone } from './zone.ts';

const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 24 * 60 * MINUTE_MS };

/** When something is due: pure, and the same for ever. */
export interface Schedule {
  /** The first moment after `afterMs`, to the millisecond; null when there is none. */
  next(afterMs: number): number | null;
}

/** What a schedule is made of. Exactly one of the first four is given. */
export interface ScheduleSpec {
  readonly cron?: string | undefined;
  readonly rate?: string | undefined;
  readonly at?: string | undefined;
  readonly everySeconds?: number | undefined;
  /** IANA name; UTC when left out. */
  readonly timezone?: string | undefined;
  /** ISO 8601; without an offset in the time zone. Nothing is due before, nothing after. */
  readonly start?: string | undefined;
  readonly end?: string | undefined;
}

/**
 * A schedule from its parts. Intervals count from `start`, else from `anchorMs`, in both directions: after it, the first is due a whole interval later.
 * Throws ExpressionError in a sentence that begins with the part that is wrong: `cron: …`.
 */
export function parseSchedule(spec: ScheduleSpec, anchorMs: number): Schedule {
  const zone = within('timezone', () => zoneNamed(spec.timezone));
  const start = within('start', () => (spec.start === undefined ? null : momentOf(spec.start, zone)));
  const end = within('end', () => (spec.end === undefined ? null : momentOf(spec.end, zone)));
  if (start !== null && end !== null && end <= start) throw new ExpressionError('end: must be after start');
  const bare = bareSchedule(spec, zone, { anchorMs, start });
  return {
    next(afterMs) {
      // What is due at `start` itself counts.
      const due = bare.next(start === null ? afterMs : Math.max(afterMs, start - 1));
      return due === null || (end !== null && due > end) ? null : due;
    },
  };
}

function bareSchedule(spec: ScheduleSpec, zone: Zone, from: { anchorMs: number; start: number | null }): Schedule {
  const { cron, rate, at, everySeconds } = spec;
  if (cron !== undefined)
    return cronSchedule(
      within('cron', () => satisfiable(parseCron(cron))),
      zone,
    );
  if (rate !== undefined)
    return interval(
      within('rate', () => rateMs(rate)),
      from,
    );
  if (everySeconds !== undefined) return interval(everySeconds * 1000, from);
  const moment = within('at', () => momentOf(/^at\((.*)\)$/i.exec((at ?? '').trim())?.[1] ?? at ?? '', zone));
  return { next: (afterMs) => (afterMs < moment ? moment : null) };
}

function cronSchedule(cron: Cron, zone: Zone): Schedule {
  return { next: (afterMs) => nextOfCron(cron, zone, afterMs) };
}

/** The 30th of February parses, and never comes. */
function satisfiable(cron: Cron): Cron {
  if (nextOfCron(cron, UTC, 0) === null) throw new ExpressionError('names no day that there is until 2199');
  return cron;
}

function interval(everyMs: number, { anchorMs, start }: { anchorMs: number; start: number | null }): Schedule {
  const origin = start ?? anchorMs;
  return {
    next: (afterMs) => (start !== null && afterMs < start ? start : origin + (Math.floor((afterMs - origin) / everyMs) + 1) * everyMs),
  };
}

/** `rate(5 minutes)` or `5 minutes`, in milliseconds: singular for one, plural for more, as on EventBridge. Throws ExpressionError. */
export function rateMs(text: string): number {
  const [, value = '', unit = '', plural = ''] = /^(?:rate\()?\s*(\d{1,9})\s+(minute|hour|day)(s?)\s*\)?$/.exec(text.trim()) ?? [];
  const unitMs = UNITS[unit];
  if (unitMs === undefined || text.includes('(') !== text.includes(')'))
    throw new ExpressionError(`'${text}' is not understood; write rate(5 minutes): minutes, hours or days`);
  const count = Number(value);
  if (count < 1) throw new ExpressionError('must be at least 1');
  if ((count === 1) !== (plural === '')) throw new ExpressionError(`write rate(${count} ${unit}${count === 1 ? '' : 's'})`);
  return count * unitMs;
}

function zoneNamed(name: string | undefined): Zone {
  if (name === undefined) return UTC;
  const zone = Zone.find(name);
  if (zone === null) throw new ExpressionError(`'${name}' is not a time zone; give an IANA name such as Europe/Madrid`);
  return zone;
}

const MOMENT = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?(Z|[+-]\d{2}:\d{2})?$/;

/** A date and time, in the zone unless it says otherwise. A time that the clocks leave out is that long after the change. */
function momentOf(text: string, zone: Zone): number {
  const [, year, month, day, hour = '00', minute = '00', second = '00', offset] = MOMENT.exec(text.trim()) ?? [];
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 19) !== written)
    throw new ExpressionError(`'${text}' is not a date and time; write 2027-01-31T06:00:00`);
  if (offset === undefined) return zone.firstOrShifted(local);
  const moment = Date.parse(`${written}${offset}`);
  if (Number.isNaN(moment)) throw new ExpressionError(`'${text}' has an offset that is none; write Z or +02:00`);
  return moment;
}

function within<T>(part: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ExpressionError) throw new ExpressionError(`${part}: ${error.message}`, { cause: error });
    throw error;
  }
}

const SPANS_MS = [1, 60, 24 * 60, 31 * 24 * 60, 366 * 24 * 60].map((minutes) => minutes * MINUTE_MS);

/**
 * The last moment in (`afterMs`, `untilMs`] at which a schedule is due, or null. Looks back in growing steps, so that a schedule of seconds that was
 * away for years costs no more than one that was away for minutes.
 */
export function lastDue(schedule: Schedule, afterMs: number, untilMs: number): number | null {
  for (const span of [1000, ...SPANS_MS, Infinity]) {
    const from = Math.max(afterMs, untilMs - span);
    let due: number | null = null;
    for (let at = schedule.next(from); at !== null && at <= untilMs; at = schedule.next(at)) due = at;
    if (due !== null || from === afterMs) return due;
  }
  return null;
}
