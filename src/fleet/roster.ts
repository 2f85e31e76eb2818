import type { FleetInstance } from './instance.ts';

/** Who is there, by version, with what is idle kept apart so that looking for it costs nothing. */
export class Roster {
  readonly #byRevision = new Map<string, Set<FleetInstance>>();
  /** Idle and still running; stopped after the linger. */
  readonly lingering = new Set<FleetInstance>();
  /** Idle or paused. */
  readonly resting = new Set<FleetInstance>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(instance: FleetInstance): void {
    const of = this.#byRevision.get(instance.version.revisionId);
    if (of === undefined) this.#byRevision.set(instance.version.revisionId, new Set([instance]));
    else of.add(instance);
    this.#count++;
  }

  remove(instance: FleetInstance): void {
    const of = this.#byRevision.get(instance.version.revisionId);
    if (of?.delete(instance) === true) this.#count--;
    if (of?.size === 0) this.#byRevision.delete(instance.version.revisionId);
    this.rest(instance, false);
  }

  rest(instance: FleetInstance, resting: boolean): void {
    if (resting) {
      this.lingering.add(instance);
      this.resting.add(instance);
    } else {
      this.lingering.delete(instance);
      this.resting.delete(instance);
    }
  }

  of(revisionId: string): ReadonlySet<FleetInstance> {
    return this.#byRevision.get(revisionId) ?? NONE;
  }

  /** How many of a version take work: those that are on their way out are there, but no use to anybody. */
  serving(revisionId: string): number {
    let sum = 0;
    for (const { alive } of this.of(revisionId)) if (alive) sum++;
    return sum;
  }

  *all(): Generator<FleetInstance> {
    for (const of of this.#byRevision.values()) yield* of;
  }
}

const NONE: ReadonlySet<FleetInstance> = new Set();
