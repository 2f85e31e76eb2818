import type { Clock } from '../lib/clock.ts';
import type { Habit, Habits } from './habits.ts';
import type { Holdings } from './holdings.ts';
import type { FleetInstance } from './instance.ts';
import type { Evictable, EvictionPolicy } from './policies/greedy-dual.ts';
import type { Residence } from './residence.ts';
import type { Roster } from './roster.ts';

export interface EvictorDeps {
  readonly clock: Clock;
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

/** One thing that may go, with the way to end it. */
interface Candidate extends Evictable {
  end(): Promise<unknown>[];
}

/** Gives up what is idle when memory is short: single idle instances, and all that an idle function keeps, its snapshot included. */
export class Evictor {
  readonly #deps: EvictorDeps;
  /** Greedy-Dual's clock: the priority of what went last. */
  #clock = 0;
  /** On its way out: not to be counted as held, nor freed twice. */
  #leavingBytes = 0;

  constructor(deps: EvictorDeps) {
    this.#deps = deps;
  }

  get clock(): number {
    return this.#clock;
  }

  /** Keeps to the cap, sparing the revision for which something was just made. */
  fit(spare: string): void {
    const { capBytes, holdings } = this.#deps;
    if (capBytes !== null && holdings.total > capBytes) this.free(holdings.total - capBytes, spare);
  }

  /** Frees so many bytes as far as idle things allow; `spare`: a revision that keeps what it has. */
  free(bytes: number, spare: string | null): void {
    const missing = bytes - this.#leavingBytes;
    if (missing <= 0) return;
    const candidates = this.#candidates(spare);
    const { ids, clock } = this.#deps.policy(candidates, missing, this.#clock);
    this.#clock = clock;
    const byId = new Map(candidates.map((c) => [c.id, c]));
    for (const id of ids) this.#end(byId.get(id) as Candidate);
  }

  #end(candidate: Candidate): void {
    this.#leavingBytes += candidate.bytes;
    void Promise.allSettled(candidate.end()).then(() => (this.#leavingBytes -= candidate.bytes));
  }

  #candidates(spare: string | null): Candidate[] {
    const candidates: Candidate[] = [];
    const { roster, residences } = this.#deps;
    const giving = new Map<string, number>();
    for (const instance of roster.resting) {
      const { revisionId, scaling } = instance.version;
      const given = giving.get(revisionId) ?? 0;
      if (revisionId === spare || roster.of(revisionId).size - given <= scaling.min) continue;
      giving.set(revisionId, given + 1);
      candidates.push(this.#instance(instance));
    }
    for (const [revisionId, residence] of residences) {
      if (revisionId === spare || residence.state.kind !== 'snapshot' || residence.startsUnderWay > 0) continue;
      const instances = [...roster.of(revisionId)];
      if (residence.version.scaling.min > 0 || instances.some((i) => !roster.resting.has(i))) continue;
      candidates.push(this.#household(residence, instances));
    }
    return candidates;
  }

  #instance(instance: FleetInstance): Candidate {
    const { version } = instance;
    const residence = this.#deps.residences.get(version.revisionId);
    return {
      ...this.#used(this.#deps.habits.of(version.functionId)),
      id: instance.id,
      bytes: this.#deps.holdings.of(instance),
      rebuildMs: residence?.state.kind === 'snapshot' ? FORK_MS : (residence?.initMs ?? FORK_MS),
      lastUsedMs: instance.idleSinceMs,
      end: () => [instance.kill()],
    };
  }

  #household(residence: Residence, instances: readonly FleetInstance[]): Candidate {
    const { holdings, habits } = this.#deps;
    const habit = habits.of(residence.version.functionId);
    return {
      ...this.#used(habit),
      id: residence.version.revisionId,
      bytes: instances.reduce((sum, i) => sum + holdings.of(i), holdings.of(residence)),
      rebuildMs: residence.initMs ?? 0,
      end: () => {
        habit.uses = 0;
        return [...instances.map((i) => i.kill()), residence.evict()];
      },
    };
  }

  #used(habit: Habit): { uses: number; clockAtUse: number; lastUsedMs: number } {
    return {
      uses: Math.max(1, habit.uses),
      clockAtUse: habit.clockAtUse,
      lastUsedMs: habit.idleSinceMs ?? this.#deps.clock.monotonic(),
    };
  }
}
