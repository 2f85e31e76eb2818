import type { Cron } from './cron.ts';
import { wholeMinute, type LocalMs, type Zone } from './zone.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const LAST_YEAR = 2199;

/**
 * The first moment after `afterMs` at which a cron expression is due in a zone; null when there is none until 2199. A time that the clocks show twice is due
 * the first time only, but for cron's every hour, which is every hour that passes. One that they leave out is left out (EventBridge) or due as long after the change as it would have been (cron).
 */
export function nextOfCron(cron: Cron, zone: Zone, afterMs: number): number | null {
  // The clocks may have been set on by hours since a time that is still to be made up for.
  const from = new Date(zone.localOf(afterMs) - DAY_MS);
  const firstDay = Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate());
  let found: number | null = null;
  for (let year = from.getUTCFullYear(); year <= LAST_YEAR; year++) {
    if (!cron.years.has(year)) continue;
    for (let month = year === from.getUTCFullYear() ? from.getUTCMonth() + 1 : 1; month <= 12; month++) {
      if (!cron.months.has(month)) continue;
      for (const day of cron.daysOf(year, month)) {
        const midnight = Date.UTC(year, month - 1, day);
        if (midnight < firstDay) continue;
        const due = firstOfDay(cron, zone, { midnight, afterMs });
        // What is made up for may come after the first time of the next day, so that one is looked at too.
        if (found !== null) return due === null ? found : Math.min(found, due);
        if (due !== null && !zone.changesNear(midnight)) return due;
        found = due;
      }
    }
  }
  return found;
}

function firstOfDay(cron: Cron, zone: Zone, { midnight, afterMs }: { midnight: LocalMs; afterMs: number }): number | null {
  if (zone.changesNear(midnight)) return firstOfUneven(cron, zone, { midnight, afterMs });
  const offset = zone.offsetMs(midnight);
  // The first whole minute of that day, by its clocks, that is after `afterMs`.
  const earliest = Math.max(0, (wholeMinute(afterMs + offset) - midnight) / MINUTE_MS + 1);
  for (const hour of cron.hours) {
    if (hour * 60 + 59 < earliest) continue;
    const minute = cron.minutes.find((m) => hour * 60 + m >= earliest);
    if (minute !== undefined) return midnight + (hour * 60 + minute) * MINUTE_MS - offset;
  }
  return null;
}

/** A day with a change of the clocks near it: every time of it is asked for, since their order may be another. */
function firstOfUneven(cron: Cron, zone: Zone, { midnight, afterMs }: { midnight: LocalMs; afterMs: number }): number | null {
  let least: number | null = null;
  for (const hour of cron.hours) {
    for (const minute of cron.minutes) {
      const local = midnight + (hour * 60 + minute) * MINUTE_MS;
      for (const due of momentsOf(cron, zone, local)) if (due > afterMs && (least === null || due < least)) least = due;
    }
  }
  return least;
}

/** When a time of an expression is due. What is to run every few minutes must not rest for the hour that the clocks show twice. */
function momentsOf({ dialect, hours }: Cron, zone: Zone, local: LocalMs): readonly number[] {
  const moments = zone.moments(local);
  if (dialect === 'unix') {
    if (moments.length === 0) return [zone.firstOrShifted(local)];
    if (hours.length === 24) return moments;
  }
  return moments.length === 0 ? [] : [Math.min(...moments)];
}
