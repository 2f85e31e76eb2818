import type { Clock } from '../lib/clock.ts';
import { further } from '../model/lineage.ts';

/** Of an instance that works for many chains, so many changes; of one that has ended, and of how many such. */
const MOST_STRETCHES = 1_024;
const MOST_OF_ENDED = 16;
const MOST_ENDED = 1_024;

/** From a time on (by the wall clock, ms) an instance worked for a chain; '' for none. */
interface Stretch {
  readonly fromMs: number;
  readonly lineage: string;
}

interface Course {
  readonly running: string[];
  readonly stretches: Stretch[];
}

/**
 * For which chain of events each instance has worked, and when: what it did at a time is found out later. Of several at once it is the furthest; what an instance does
 * after its answer belongs to the last. Instances that never had to do with a chain take no room, and what is long past is forgotten.
 */
export class ChainHistory {
  readonly #clock: Clock;
  readonly #courses = new Map<string, Course>();
  readonly #ended: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An invocation is handed to an instance. Whether `end` is to be called when it has answered. */
  begin(instanceId: string, lineage: string): boolean {
    const present = this.#courses.get(instanceId);
    if (lineage === '' && (present === undefined || present.running.length > 0)) return false;
    const course = present ?? { running: [], stretches: [] };
    if (present === undefined) this.#courses.set(instanceId, course);
    if (lineage !== '') course.running.push(lineage);
    this.#note(course);
    return lineage !== '';
  }

  end(instanceId: string, lineage: string): void {
    const course = this.#courses.get(instanceId);
    if (course === undefined) return;
    course.running.splice(course.running.indexOf(lineage), 1);
    if (course.running.length > 0) this.#note(course);
  }

  /** The instance is gone. What it has written may still be read. */
  ended(instanceId: string): void {
    const course = this.#courses.get(instanceId);
    if (course === undefined) return;
    course.stretches.splice(0, course.stretches.length - MOST_OF_ENDED);
    this.#ended.push(instanceId);
    if (this.#ended.length > MOST_ENDED) this.#courses.delete(this.#ended.shift()!);
  }

  /** The chain that an instance worked for at a time; '' where that is none, or not known any more. */
  lineageAt(instanceId: string, atMs: number): string {
    let lineage = '';
    for (const stretch of this.#courses.get(instanceId)?.stretches ?? []) {
      if (stretch.fromMs > atMs) break;
      lineage = stretch.lineage; // of two in one millisecond the later: what an invocation does comes after its beginning
    }
    return lineage;
  }

  #note({ running, stretches }: Course): void {
    const lineage = running.reduce(further, '');
    if (lineage === (stretches.at(-1)?.lineage ?? '')) return;
    const fromMs = this.#clock.now();
    // What began before the clock was set back began before this: else nothing that comes until then would be found.
    for (let i = stretches.length - 1; (stretches[i]?.fromMs ?? -Infinity) > fromMs; i--)
      stretches[i] = { fromMs, lineage: (stretches[i] as Stretch).lineage };
    stretches.push({ fromMs, lineage });
    if (stretches.length > MOST_STRETCHES) stretches.shift();
  }
}
