import type { DriverSnapshot } from './driver.ts';
import type { Habits } from './habits.ts';
import type { Holdings } from './holdings.ts';
import type { FleetInstance } from './instance.ts';
import type { Evictable, EvictionPolicy } from './policies/greedy-dual.ts';
import { Residence, type ResidenceObserver } from './residence.ts';
import type { Roster } from './roster.ts';

export interface EvictorDeps {
  readonly roster: Roster;
  readonly residences: ReadonlyMap<string, Residence>;
  readonly holdings: Holdings<FleetInstance | Residence>;
  readonly habits: Habits;
  readonly policy: EvictionPolicy;
  /** Most that is to be resident, bytes; null: as much as the machine has. */
  readonly capBytes: number | null;
}

/** What an instance more costs while its snapshot is there: all alike, and little. */
const FORK_MS = 10;

/** What is freed above what the cap demands, as a share of it: looking for what may go takes longer the more there is. */
const EASE = 0.02;

/** One thing that may go: an idle instance, or all that an idle function keeps. */
interface Candidate extends Evictable {
  readonly what: FleetInstance | Residence;
}

/** Gives up what is idle when memory is short: single idle instances, and all that an idle function keeps, its snapshot included. */
export class Evictor implements ResidenceObserver {
  readonly #deps: EvictorDeps;
  /** Greedy-Dual's clock: the priority of what went last. */
  #clock = 0;
  /** On its way out: not to be counted as held, nor freed twice. */
  #leavingBytes = 0;

  constructor(deps: EvictorDeps) {
    this.#deps = deps;
  }

  /** Something was made or is used: it starts to age from here. */
  touch(...used: (FleetInstance | Residence | undefined)[]): void {
    for (const what of used) if (what !== undefined) what.clockAtUse = this.#clock;
  }

  /** A snapshot is held from now on: for what it is measured to use, as soon as that is known. */
  made(residence: Residence, snapshot: DriverSnapshot): void {
    const { holdings } = this.#deps;
    holdings.set(residence, 0);
    this.touch(residence);
    void snapshot.memoryBytes().then((bytes) => {
      holdings.update(residence, bytes ?? 0);
      this.fit(residence.version.revisionId);
    });
  }

  gone(residence: Residence): void {
    this.#deps.holdings.delete(residence);
  }

  /** Keeps to the cap, sparing the revision for which something was just made. */
  fit(spare: string): void {
    const { capBytes, holdings } = this.#deps;
    if (capBytes !== null && holdings.total - this.#leavingBytes > capBytes) this.free(holdings.total - capBytes * (1 - EASE), spare);
  }

  /** Frees so many bytes as far as idle things allow; `spare`: a revision that keeps what it has. */
  free(bytes: number, spare: string | null): void {
    const missing = bytes - this.#leavingBytes;
    if (missing <= 0) return;
    const candidates = this.#candidates(spare);
    const { ids, clock } = this.#deps.policy(candidates, missing, this.#clock);
    this.#clock = clock;
    const chosen = new Set(ids);
    for (const candidate of candidates) if (chosen.has(candidate.id)) this.#end(candidate);
  }

  #end({ what, bytes }: Candidate): void {
    this.#leavingBytes += bytes;
    const ended = what instanceof Residence ? this.#endAll(what) : [what.kill()];
    void Promise.allSettled(ended).then(() => (this.#leavingBytes -= bytes));
  }

  #endAll(residence: Residence): Promise<unknown>[] {
    const { revisionId, functionId } = residence.version;
    const habit = this.#deps.habits.find(functionId);
    if (habit !== undefined) habit.uses = 0;
    return [...[...this.#deps.roster.of(revisionId)].map((i) => i.kill()), residence.evict('memory')];
  }

  #candidates(spare: string | null): Candidate[] {
    const candidates: Candidate[] = [];
    const { roster, residences } = this.#deps;
    const left = new Map<string, number>();
    for (const instance of roster.resting) {
      const { revisionId, scaling } = instance.version;
      const serving = left.get(revisionId) ?? roster.serving(revisionId);
      left.set(revisionId, serving);
      if (revisionId === spare || serving <= scaling.min) continue;
      left.set(revisionId, serving - 1);
      candidates.push(this.#instance(instance));
    }
    for (const [revisionId, residence] of residences) {
      if (revisionId === spare || residence.state.kind !== 'snapshot' || residence.startsUnderWay > 0) continue;
      if (residence.version.scaling.min > 0) continue;
      const bytes = this.#idleBytes(residence);
      if (bytes !== null) candidates.push(this.#household(residence, bytes));
    }
    return candidates;
  }

  /** What an idle function keeps, bytes; null while one of its instances is at work. */
  #idleBytes(residence: Residence): number | null {
    const { roster, holdings } = this.#deps;
    let bytes = holdings.of(residence);
    for (const instance of roster.of(residence.version.revisionId)) {
      if (!roster.resting.has(instance)) return null;
      bytes += holdings.of(instance);
    }
    return bytes;
  }

  #instance(instance: FleetInstance): Candidate {
    const { version } = instance;
    const residence = this.#deps.residences.get(version.revisionId);
    return {
      id: instance.id,
      bytes: this.#deps.holdings.of(instance),
      rebuildMs: residence?.state.kind === 'snapshot' ? FORK_MS : (residence?.initMs ?? FORK_MS),
      // Its own: of many, the last used is used again, and the others hardly at all.
      uses: Math.max(1, instance.invocations),
      clockAtUse: instance.clockAtUse,
      lastUsedMs: instance.idleSinceMs,
      what: instance,
    };
  }

  #household(residence: Residence, bytes: number): Candidate {
    const habit = this.#deps.habits.find(residence.version.functionId);
    return {
      id: residence.version.revisionId,
      bytes,
      rebuildMs: residence.initMs ?? 0,
      uses: Math.max(1, habit?.uses ?? 0),
      clockAtUse: residence.clockAtUse,
      lastUsedMs: Math.max(residence.lastUsedMs, habit?.idleSinceMs ?? 0),
      what: residence,
    };
  }
}
