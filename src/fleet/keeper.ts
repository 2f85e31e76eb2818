import type { Clock, Timer } from '../lib/clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { FleetInstance } from './instance.ts';
import { expired } from './policies/keep-alive.ts';
import type { Residence } from './residence.ts';
import type { Roster } from './roster.ts';

export interface KeeperDeps {
  readonly clock: Clock;
  readonly keep: { readonly lingerMs: number; readonly snapshotKeepMs: number };
  readonly roster: Roster;
  readonly residences: ReadonlyMap<string, Residence>;
  /** Starts an instance nobody has asked for. */
  readonly addSpare: (version: FunctionVersion) => Promise<void>;
}

const SWEEP_MS = 500;

/** Stops instances that linger, ends those whose time is up, keeps each version's minimum, lets unused snapshots go. */
export class Keeper {
  readonly #deps: KeeperDeps;
  /** Versions that serve, by revision. */
  readonly #serving = new Map<string, FunctionVersion>();
  readonly #topping = new Set<string>();
  #linger: Timer | null = null;
  #sweep: Timer | null = null;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
    this.#sweep = deps.clock.after(SWEEP_MS, () => this.#sweepOnce());
  }

  serve(version: FunctionVersion): void {
    this.#serving.set(version.revisionId, version);
    this.#topUp(version);
  }

  retire(revisionId: string): void {
    this.#serving.delete(revisionId);
  }

  /** An instance has fallen idle. */
  rested(instance: FleetInstance): void {
    if (!this.#serving.has(instance.version.revisionId)) {
      void instance.kill();
      return;
    }
    this.#linger ??= this.#deps.clock.after(this.#deps.keep.lingerMs, () => this.#pauseLingering());
  }

  close(): void {
    this.#linger?.cancel();
    this.#sweep?.cancel();
    this.#linger = null;
    this.#sweep = null;
    this.#serving.clear();
  }

  #pauseLingering(): void {
    this.#linger = null;
    const now = this.#deps.clock.monotonic();
    const { roster, keep, clock } = this.#deps;
    for (const instance of roster.lingering) {
      if (now - instance.idleSinceMs < keep.lingerMs) continue;
      roster.lingering.delete(instance);
      instance.pause();
    }
    if (roster.lingering.size > 0) this.#linger = clock.after(Math.max(1, keep.lingerMs / 2), () => this.#pauseLingering());
  }

  #sweepOnce(): void {
    const now = this.#deps.clock.monotonic();
    this.#endExpired(now);
    this.#evictUnused(now);
    for (const version of this.#serving.values()) this.#topUp(version);
    this.#sweep = this.#deps.clock.after(SWEEP_MS, () => this.#sweepOnce());
  }

  #endExpired(now: number): void {
    const { roster } = this.#deps;
    const leaving = new Map<string, number>();
    for (const i of roster.resting) {
      const { revisionId, scaling } = i.version;
      const left = leaving.get(revisionId) ?? 0;
      const observed = {
        idleForMs: now - i.idleSinceMs,
        keepAliveMs: scaling.keepAliveMs,
        alive: roster.of(revisionId).size - left,
        min: scaling.min,
        current: this.#serving.has(revisionId),
      };
      if (!expired(observed)) continue;
      leaving.set(revisionId, left + 1);
      void i.kill();
    }
  }

  #evictUnused(now: number): void {
    for (const [revisionId, residence] of this.#deps.residences) {
      const unused = this.#deps.roster.of(revisionId).size === 0 && now - residence.lastUsedMs >= this.#deps.keep.snapshotKeepMs;
      if (unused && residence.version.scaling.min === 0) void residence.evict('idle');
    }
  }

  /** One at a time, so that a function whose init phase fails is not started in a storm. */
  #topUp(version: FunctionVersion): void {
    const { revisionId, scaling } = version;
    if (scaling.min <= this.#deps.roster.of(revisionId).size || this.#topping.has(revisionId)) return;
    this.#topping.add(revisionId);
    this.#deps.addSpare(version).then(
      () => {
        this.#topping.delete(revisionId);
        if (this.#serving.has(revisionId)) this.#topUp(version);
      },
      // The next sweep tries again; callers are told why by their own starts.
      () => this.#topping.delete(revisionId),
    );
  }
}
