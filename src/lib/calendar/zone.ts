/** Wall clock time somewhere, as the same moment would be written in UTC: milliseconds since the epoch if the zone were UTC. */
export type LocalMs = number;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** One time zone of the IANA database, as the JavaScript engine knows it. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | null;

  private constructor(name: string) {
    this.name = name;
    const fixed = /^(utc|gmt|etc\/(utc|gmt))$/i.test(name);
    const field = '2-digit';
    this.#format = fixed
      ? null
      : new Intl.DateTimeFormat('en-US', {
          timeZone: name,
          hourCycle: 'h23',
          era: 'short',
          year: 'numeric',
          month: field,
          day: field,
          hour: field,
          minute: field,
          second: field,
        });
  }

  static readonly #known = new Map<string, Zone>();

  /** The zone of that name, or null when there is none. Names like `+02:00` are none: they know no summer time. */
  static find(name: string): Zone | null {
    const known = Zone.#known.get(name);
    if (known !== undefined) return known;
    if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return null;
    try {
      const zone = new Zone(name);
      Zone.#known.set(name, zone);
      return zone;
    } catch {
      return null;
    }
  }

  /** What the clocks there show at a moment. */
  localOf(ms: number): LocalMs {
    return ms + this.offsetMs(ms);
  }

  /** How far the zone's clocks are ahead of UTC at a moment. */
  offsetMs(ms: number): number {
    if (this.#format === null) return 0;
    const part: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(ms)) part[type] = value;
    const year = part['era'] === 'BC' ? 1 - Number(part['year']) : Number(part['year']);
    const [month, day, hour] = [Number(part['month']), Number(part['day']), Number(part['hour'])];
    const local = Date.UTC(year, month - 1, day, hour, Number(part['minute']), Number(part['second']));
    return local - Math.floor(ms / 1000) * 1000;
  }

  /** Whether the clocks are changed within a day of a local time. */
  changesNear(local: LocalMs): boolean {
    return this.#format !== null && this.offsetMs(local - DAY_MS) !== this.offsetMs(local + 2 * DAY_MS);
  }

  /** The moments at which the clocks show a local time: one, none when they leave it out, two when they show it again. */
  moments(local: LocalMs): number[] {
    const moments = [local - this.offsetMs(local - DAY_MS), local - this.offsetMs(local + DAY_MS)];
    return moments.filter((ms) => this.localOf(ms) === local);
  }

  /** The first moment at which the clocks show a local time; null when they leave it out. */
  first(local: LocalMs): number | null {
    const real = this.moments(local);
    return real.length === 0 ? null : Math.min(...real);
  }

  /** As `first`; a time that the clocks leave out is as long after the change as it would have been after it was due. */
  firstOrShifted(local: LocalMs): number {
    return this.first(local) ?? local - this.offsetMs(local - DAY_MS);
  }
}

export const UTC = Zone.find('UTC') as Zone;

/** Cuts to the minute. */
export function wholeMinute(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}
