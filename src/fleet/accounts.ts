import type { Clock } from '../lib/clock.ts';
import type { Evictor } from './evictor.ts';
import type { Holdings } from './holdings.ts';
import type { FleetInstance, InstanceObserver } from './instance.ts';
import type { Keeper } from './keeper.ts';
import type { MemoryModel } from './memory-model.ts';
import type { MemoryWatch } from './memory-watch.ts';
import type { Residence } from './residence.ts';
import type { Roster } from './roster.ts';
import type { Spares } from './spares.ts';
import type { StartObserver } from './start-observer.ts';

export interface AccountsDeps {
  readonly clock: Clock;
  readonly roster: Roster;
  readonly residences: ReadonlyMap<string, Residence>;
  readonly spares: Spares;
  readonly model: MemoryModel;
  readonly holdings: Holdings<FleetInstance | Residence>;
  readonly watch: MemoryWatch;
  readonly starts: StartObserver;
  readonly evictor: Evictor;
  readonly keeper: Keeper;
  /** The last instance of a revision that does not serve has ended, and what it was started from is kept for nobody. */
  readonly unserved: (revisionId: string) => void;
  /** An instance has ended: there may be room for another. */
  readonly room: () => void;
}

/** Keeps everybody's accounts of an instance as it is put to work, rests and ends. */
export class Accounts implements InstanceObserver {
  readonly #deps: AccountsDeps;

  constructor(deps: AccountsDeps) {
    this.#deps = deps;
  }

  becameIdle(instance: FleetInstance): void {
    const { clock, roster, watch, model, holdings, keeper } = this.#deps;
    watch.remove(instance);
    instance.idleSinceMs = clock.monotonic();
    instance.idleAtMs = clock.now();
    roster.rest(instance, true);
    void model.observe(instance)?.then((bytes) => bytes !== null && holdings.update(instance, bytes));
    keeper.rested(instance);
  }

  becameBusy(instance: FleetInstance): void {
    const { roster, residences, watch, evictor, keeper } = this.#deps;
    instance.idleAtMs = null;
    roster.rest(instance, false);
    keeper.busy(instance);
    evictor.touch(instance, residences.get(instance.version.revisionId));
    watch.add(instance);
  }

  withdrawn(instance: FleetInstance): void {
    const { roster, spares, keeper } = this.#deps;
    roster.rest(instance, false);
    spares.remove(instance);
    keeper.withdrawn(instance);
  }

  ended(instance: FleetInstance): void {
    const { roster, residences, holdings, watch, starts, keeper } = this.#deps;
    const { revisionId } = instance.version;
    watch.remove(instance);
    roster.remove(instance);
    holdings.delete(instance);
    if (residences.has(revisionId)) starts.ended(revisionId, instance.lostAtWork);
    keeper.ended(instance);
    this.#dropUnserved(revisionId);
    this.#deps.room();
  }

  /** A call that came late for a revision that has retired started it once more: with its last instance, its snapshot goes, too. */
  #dropUnserved(revisionId: string): void {
    const { roster, residences, keeper, unserved } = this.#deps;
    const residence = residences.get(revisionId);
    if (residence === undefined || residence.startsUnderWay > 0 || keeper.outlook(revisionId) !== null) return;
    if (roster.of(revisionId).size === 0) unserved(revisionId);
  }
}
