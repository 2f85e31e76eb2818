import type { FunctionVersion } from '../model/function-version.ts';
import type { MemoryGauge } from './memory-gauge.ts';
import type { MemoryModel } from './memory-model.ts';
import { admit, type AdmissionObservation, type Verdict } from './policies/admit.ts';
import type { Residence } from './residence.ts';
import type { Roster } from './roster.ts';

export interface FleetLimits {
  readonly reserveBytes: number;
  readonly instances: number;
  readonly startsAtOnce: number;
  /** Of these, those that are forked from a snapshot. */
  readonly forksAtOnce: number;
  /** Snapshots under way beyond which a call is refused for which one more is to be made; null, the default: it waits for its turn. */
  readonly snapshotsAtOnce?: number | null;
}

export interface StartBudgetDeps {
  readonly limits: FleetLimits;
  readonly memory: MemoryGauge;
  readonly model: MemoryModel;
  readonly roster: Roster;
  readonly residences: ReadonlyMap<string, Residence>;
  /** A start has ended: there may be room for another. */
  readonly room: () => void;
}

/** What the starts under way are charged, and so whether one more fits. */
export class StartBudget {
  readonly #deps: StartBudgetDeps;
  #pendingBytes = 0;
  #forks = 0;
  #starts = 0;

  constructor(deps: StartBudgetDeps) {
    this.#deps = deps;
  }

  get startsUnderWay(): number {
    return this.#starts;
  }

  /** Whether one more instance of a version may be started now; `missing`: the bytes that would have to be freed for it when the machine is full. */
  verdict(version: FunctionVersion): { readonly verdict: Verdict; readonly missing: number } {
    const observed = this.#observe(version);
    const { availableBytes, pendingBytes, estimateBytes, reserveBytes, instances, maxInstances } = observed;
    const missing = reserveBytes + pendingBytes + estimateBytes - availableBytes;
    // At the most instances there may be, one that goes makes room, however small it is.
    return { verdict: admit(observed), missing: instances >= maxInstances ? Math.max(missing, 1) : missing };
  }

  /** Whether a version is without a snapshot, and as many are being made as may be where a call wants one. */
  snapshotRefused(version: FunctionVersion): boolean {
    const most = this.#deps.limits.snapshotsAtOnce ?? null;
    if (most === null) return false;
    const state = this.#deps.residences.get(version.revisionId)?.state;
    if (state === undefined ? version.snapshot === 'off' : state.kind !== 'nothing') return false;
    let making = 0;
    for (const { state: of } of this.#deps.residences.values()) if (of.kind === 'preparing') making++;
    return making >= most;
  }

  /** Charges a start for as long as `work` takes. */
  async charged<T>(version: FunctionVersion, work: () => Promise<T>): Promise<T> {
    const charge = this.#estimate(version);
    const forks = this.hasSnapshot(version) ? 1 : 0;
    this.#pendingBytes += charge;
    this.#starts++;
    this.#forks += forks;
    try {
      return await work();
    } finally {
      this.#pendingBytes -= charge;
      this.#starts--;
      this.#forks -= forks;
      this.#deps.room();
    }
  }

  hasSnapshot(version: FunctionVersion): boolean {
    return this.#deps.residences.get(version.revisionId)?.state.kind === 'snapshot';
  }

  #observe(version: FunctionVersion): AdmissionObservation {
    const { limits, memory, roster } = this.#deps;
    return {
      availableBytes: memory.availableBytes(),
      reserveBytes: limits.reserveBytes,
      pendingBytes: this.#pendingBytes,
      estimateBytes: this.#estimate(version),
      instances: roster.count,
      maxInstances: limits.instances,
      startsUnderWay: this.#starts,
      startsAtOnce: limits.startsAtOnce,
      forked: this.hasSnapshot(version),
      forksUnderWay: this.#forks,
      forksAtOnce: limits.forksAtOnce,
    };
  }

  #estimate(version: FunctionVersion): number {
    return this.#deps.model.estimate(version, this.hasSnapshot(version));
  }
}
