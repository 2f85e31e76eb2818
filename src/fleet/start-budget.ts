import type { Clock } from '../lib/clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { InitWatch, type CpuMeter } from './init-watch.ts';
import type { MemoryGauge } from './memory-gauge.ts';
import type { MemoryModel } from './memory-model.ts';
import { admit, type AdmissionObservation, type StartKind, type Verdict } from './policies/admit.ts';
import type { Residence } from './residence.ts';
import type { Roster } from './roster.ts';

export interface FleetLimits {
  readonly reserveBytes: number;
  readonly instances: number;
  /** Init phases at once; each version may have one, as long as that is not of more versions whose compute. */
  readonly startsAtOnce: number;
  /** Forks of snapshots at once, beside them. */
  readonly forksAtOnce: number;
  /** Snapshots under way beyond which a call is refused for which one more is to be made; null, the default: it waits for its turn. */
  readonly snapshotsAtOnce?: number | null;
}

export interface StartBudgetDeps {
  readonly clock: Clock;
  readonly limits: FleetLimits;
  readonly memory: MemoryGauge;
  readonly model: MemoryModel;
  readonly roster: Roster;
  readonly residences: ReadonlyMap<string, Residence>;
  /** A start has ended, or only waits: there may be room for another. */
  readonly room: () => void;
}

/** What the starts under way are charged, and so whether one more fits. */
export class StartBudget {
  readonly #deps: StartBudgetDeps;
  #pendingBytes = 0;
  #starts = 0;
  #arriving = 0;
  #forks = 0;
  readonly #inits = new Counts();
  readonly #shares = new Counts();
  readonly #initWatch: InitWatch;

  constructor(deps: StartBudgetDeps) {
    this.#deps = deps;
    this.#initWatch = new InitWatch(deps.clock, () => deps.room());
  }

  get startsUnderWay(): number {
    return this.#starts;
  }

  /** Whether one more instance of a version may be started now; `missing`: the bytes that would have to be freed for it when the machine is full. */
  verdict(version: FunctionVersion): { readonly verdict: Verdict; readonly missing: number } {
    const observed = this.#observe(version);
    const { availableBytes, pendingBytes, estimateBytes, reserveBytes, instances, arriving, maxInstances } = observed;
    const missing = reserveBytes + pendingBytes + estimateBytes - availableBytes;
    // At the most instances there may be, one that goes makes room, however small it is.
    return { verdict: admit(observed), missing: instances + arriving >= maxInstances ? Math.max(missing, 1) : missing };
  }

  /** Whether one more instance of a version would fit without so many others, which hold so many bytes. */
  fitsWithout({ count, bytes }: { readonly count: number; readonly bytes: number }, version: FunctionVersion): boolean {
    const observed = this.#observe(version);
    const { instances, availableBytes } = observed;
    return admit({ ...observed, instances: instances - count, availableBytes: availableBytes + bytes }) !== 'full';
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

  /** Charges a start for as long as `work` takes, which brings so many instances. */
  async charged<T>(version: FunctionVersion, brings: 0 | 1, work: () => Promise<T>): Promise<T> {
    const charge = this.#estimate(version);
    const kind = this.#kind(version);
    this.#pendingBytes += charge;
    this.#starts++;
    this.#arriving += brings;
    this.#count(kind, version, 1);
    try {
      return await work();
    } finally {
      this.#pendingBytes -= charge;
      this.#starts--;
      this.#arriving -= brings;
      this.#count(kind, version, -1);
      this.#deps.room();
    }
  }

  /** A process runs an init phase of a version from now on; `meter`: its processor time. */
  initRuns({ revisionId }: FunctionVersion, meter: CpuMeter): void {
    this.#initWatch.meter(revisionId, meter);
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
      arriving: this.#arriving,
      maxInstances: limits.instances,
      startsUnderWay: this.#starts,
      kind: this.#kind(version),
      forksUnderWay: this.#forks,
      shares: this.#shares.of(version.revisionId),
      forksAtOnce: limits.forksAtOnce,
      inits: this.#inits.total,
      ownInits: this.#inits.of(version.revisionId),
      versionsInInit: this.#initWatch.computing,
      startsAtOnce: limits.startsAtOnce,
    };
  }

  #kind({ revisionId }: FunctionVersion): StartKind {
    const kind = this.#deps.residences.get(revisionId)?.state.kind;
    return kind === 'snapshot' ? 'fork' : kind === 'preparing' ? 'share' : 'init';
  }

  #count(kind: StartKind, { revisionId }: FunctionVersion, by: 1 | -1): void {
    if (kind === 'fork') this.#forks += by;
    else if (kind === 'share') this.#shares.add(revisionId, by);
    else {
      this.#inits.add(revisionId, by);
      if (by > 0) this.#initWatch.begin(revisionId);
      else this.#initWatch.end(revisionId);
    }
  }

  #estimate(version: FunctionVersion): number {
    return this.#deps.model.estimate(version, this.hasSnapshot(version));
  }
}

/** How many there are, by key and together. */
class Counts {
  readonly #byKey = new Map<string, number>();
  total = 0;

  of(key: string): number {
    return this.#byKey.get(key) ?? 0;
  }

  add(key: string, by: 1 | -1): void {
    const count = this.of(key) + by;
    this.total += by;
    if (count === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, count);
  }
}
