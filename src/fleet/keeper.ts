import type { Clock, Timer } from '../lib/clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { Habit, Habits } from './habits.ts';
import type { FleetInstance } from './instance.ts';
import { Linger } from './linger.ts';
import { outlookOf, type Outlook } from './outlook.ts';
import type { KeepAlivePolicy, Stay } from './policies/keep-alive.ts';
import { phaseOf, type Phase } from './policies/phase.ts';
import { Minimum, type Shortfall } from './minimum.ts';
import type { Residence } from './residence.ts';
import type { Roster } from './roster.ts';

export interface KeeperDeps {
  readonly clock: Clock;
  readonly keep: { readonly lingerMs: number; readonly keepAliveMs: number; readonly snapshotKeepMs: number };
  readonly policyOf: (version: FunctionVersion) => KeepAlivePolicy;
  readonly habits: Habits;
  readonly roster: Roster;
  readonly residences: ReadonlyMap<string, Residence>;
  /** Starts an instance nobody has asked for. */
  readonly addSpare: (version: FunctionVersion) => Promise<void>;
  /** A version's snapshot is due to be there again; made in the background if it still is `wanted` then. */
  readonly prewarm: (version: FunctionVersion, wanted: () => boolean) => void;
}

/** A revision that serves, and what is to become of what it keeps. */
interface Kept {
  readonly version: FunctionVersion;
  readonly habit: Habit;
  /** Its instances at work. */
  readonly busy: Set<FleetInstance>;
  /** Monotonic: since when its stay counts. Meaningful while none is at work. */
  idleSinceMs: number;
  /** Decided once the function has been idle for a moment; null until then. */
  stay: Stay | null;
  prewarmed: boolean;
  timer: Timer | null;
  timerAtMs: number;
  readonly minimum: Minimum;
}

/** A call is often followed by another: nothing is decided in the first moments of being idle. */
const MOMENT_MS = 5_000;
/** A minimum whose instance ended is made up so much later. */
const TOP_UP_MS = 500;

/** Has instances stopped that linger, ends what its policy no longer keeps, has made what it wants back, keeps each version's minimum. */
export class Keeper {
  readonly #deps: KeeperDeps;
  /** Versions that serve, by revision. */
  readonly #kept = new Map<string, Kept>();
  readonly #linger: Linger;
  #closed = false;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
    this.#linger = new Linger({ clock: deps.clock, lingerMs: deps.keep.lingerMs, roster: deps.roster });
  }

  serve(version: FunctionVersion): void {
    if (this.#kept.has(version.revisionId)) return;
    const now = this.#deps.clock.monotonic();
    const habit = this.#deps.habits.of(version.functionId);
    const kept: Kept = {
      version,
      habit,
      busy: new Set(),
      idleSinceMs: now,
      stay: null,
      prewarmed: false,
      timer: null,
      timerAtMs: 0,
      minimum: this.#minimum(version),
    };
    this.#kept.set(version.revisionId, kept);
    this.#resume(kept, now);
    kept.minimum.topUp();
  }

  retire(revisionId: string): void {
    const kept = this.#kept.get(revisionId);
    if (kept === undefined) return;
    kept.timer?.cancel();
    this.#kept.delete(revisionId);
    for (const _ of kept.busy) this.#deps.habits.rested(kept.habit); // they end as nobody's: their function must not count as busy for ever
  }

  /** Whether a snapshot that is made now would be kept: not while its function is away by its own habit. */
  expects(revisionId: string): boolean {
    const kept = this.#kept.get(revisionId);
    if (kept === undefined) return false;
    return kept.busy.size > 0 || kept.stay === null || this.#phase(kept, kept.stay) !== 'away';
  }

  /** Why a version has fewer instances than its minimum; null while it has, or they are being started for the first time. */
  shortfall(revisionId: string): Shortfall | null {
    return this.#kept.get(revisionId)?.minimum.shortfall ?? null;
  }

  outlook(revisionId: string): Outlook | null {
    const kept = this.#kept.get(revisionId);
    if (kept === undefined) return null;
    const { clock } = this.#deps;
    const idleMs = clock.monotonic() - kept.idleSinceMs;
    return outlookOf({
      busy: kept.busy.size > 0,
      idleAtMs: clock.now() - idleMs,
      idleMs,
      stay: kept.stay ?? this.#stay(kept),
      min: kept.version.scaling.min,
      shortfall: kept.minimum.shortfall,
    });
  }

  /** Somebody is about to call: what is kept, is kept from now on. */
  expect(revisionId: string): void {
    const kept = this.#kept.get(revisionId);
    if (kept === undefined || kept.busy.size > 0) return;
    kept.idleSinceMs = this.#deps.clock.monotonic();
    kept.stay = null;
    kept.prewarmed = false;
  }

  /** Its snapshot was made: with nobody to use it whose stay is over, it would be looked at by nobody again. */
  made(revisionId: string): void {
    const kept = this.#kept.get(revisionId);
    if (kept === undefined || kept.busy.size > 0 || kept.stay === null || this.#phase(kept, kept.stay) !== 'over') return;
    this.expect(revisionId);
    this.#arm(kept, kept.idleSinceMs + this.#momentMs(kept.version));
  }

  busy(instance: FleetInstance): void {
    const kept = this.#kept.get(instance.version.revisionId);
    if (kept === undefined) return;
    this.#deps.habits.busy(kept.habit); // not asked for by name: that of a function removed meanwhile would be made anew
    kept.busy.add(instance);
  }

  /** An instance has fallen idle, or was started to be. */
  rested(instance: FleetInstance): void {
    const kept = this.#unbusy(instance);
    if (kept === undefined) {
      void instance.kill();
      return;
    }
    this.#linger.begin();
    this.#arm(kept, instance.idleSinceMs + this.#momentMs(kept.version));
  }

  /** It takes no more work: as far as the minimum is concerned, it is gone. */
  withdrawn({ version }: FleetInstance): void {
    const kept = this.#kept.get(version.revisionId);
    if (kept !== undefined && !this.#closed && kept.minimum.missing) this.#arm(kept, this.#deps.clock.monotonic() + TOP_UP_MS);
  }

  ended(instance: FleetInstance): void {
    const kept = this.#unbusy(instance);
    if (kept === undefined || this.#closed) return;
    const now = this.#deps.clock.monotonic();
    if (kept.minimum.missing) this.#arm(kept, now + TOP_UP_MS);
    else if (kept.busy.size === 0) this.#arm(kept, now + MOMENT_MS);
  }

  close(): void {
    this.#closed = true;
    this.#linger.close();
    for (const revisionId of this.#kept.keys()) this.retire(revisionId);
  }

  #minimum(version: FunctionVersion): Minimum {
    const { revisionId } = version;
    return new Minimum(version, {
      serving: () => this.#deps.roster.serving(revisionId),
      serves: () => !this.#closed && this.#kept.get(revisionId)?.version === version,
      addSpare: this.#deps.addSpare,
      again: (afterMs) => {
        const kept = this.#kept.get(revisionId);
        if (kept !== undefined) this.#arm(kept, this.#deps.clock.monotonic() + afterMs);
      },
    });
  }

  /** A server that starts goes on where the one before it stopped, unless what it kept would be over by now: then it begins anew. */
  #resume(kept: Kept, now: number): void {
    const since = kept.habit.idleSinceMs;
    if (since !== null && since < now) {
      kept.idleSinceMs = since;
      kept.stay = this.#stay(kept);
      if (phaseOf(kept.stay, now - since) === 'over') {
        kept.idleSinceMs = now;
        kept.stay = null;
      }
    }
    this.#arm(kept, now + (kept.stay === null ? this.#momentMs(kept.version) : 0));
  }

  #unbusy(instance: FleetInstance): Kept | undefined {
    const kept = this.#kept.get(instance.version.revisionId);
    if (kept?.busy.delete(instance) === true) {
      this.#deps.habits.rested(kept.habit);
      if (kept.busy.size === 0) {
        kept.idleSinceMs = this.#deps.clock.monotonic();
        kept.stay = null;
        kept.prewarmed = false;
      }
    }
    return kept;
  }

  /** How long idle instances are kept, where no habit says otherwise. */
  #keepMs({ scaling }: FunctionVersion): number {
    return scaling.keepAliveMs ?? this.#deps.keep.keepAliveMs;
  }

  /** Nothing is decided before. */
  #momentMs(version: FunctionVersion): number {
    return Math.min(MOMENT_MS, this.#keepMs(version));
  }

  #stay({ version, habit, idleSinceMs }: Kept): Stay {
    return this.#deps.policyOf(version)(
      {
        functionName: version.name,
        idleTimes: habit.idleTimes,
        instanceKeepMs: this.#keepMs(version),
        snapshotKeepMs: this.#deps.keep.snapshotKeepMs,
      },
      idleSinceMs,
    );
  }

  /** Has a look at a version at that time, or earlier: one timer each. */
  #arm(kept: Kept, atMs: number): void {
    if (kept.timer !== null) {
      if (kept.timerAtMs <= atMs) return;
      kept.timer.cancel();
    }
    kept.timerAtMs = atMs;
    kept.timer = this.#deps.clock.after(Math.max(0, atMs - this.#deps.clock.monotonic()), () => {
      kept.timer = null;
      this.#look(kept);
    });
  }

  #look(kept: Kept): void {
    const now = this.#deps.clock.monotonic();
    const idleMs = now - kept.idleSinceMs;
    const moment = this.#momentMs(kept.version);
    const idle = kept.busy.size === 0;
    if (idle && idleMs >= moment) kept.stay ??= this.#stay(kept);
    const phase = idle && kept.stay !== null ? phaseOf(kept.stay, idleMs) : 'here';
    this.#endExpired(kept, now, phase);
    if (idle && kept.stay !== null) this.#snapshotIn(kept, phase);
    kept.minimum.topUp();
    const next = this.#next(kept, now, phase);
    if (next !== null) this.#arm(kept, next);
  }

  /** Ends the instances whose time is up, the longest idle first, down to the minimum. */
  #endExpired(kept: Kept, now: number, phase: Phase): void {
    const { roster } = this.#deps;
    const { revisionId, scaling } = kept.version;
    let alive = roster.serving(revisionId);
    for (const instance of [...roster.of(revisionId)].filter((i) => roster.resting.has(i)).sort((a, b) => a.idleSinceMs - b.idleSinceMs)) {
      if (alive <= scaling.min) return;
      if (now < this.#endOf(kept, instance, { phase, last: alive === 1 })) continue;
      alive--;
      void instance.kill();
    }
  }

  /** When an idle instance is to end, monotonic. Where there is no snapshot, the last instance is what the function keeps. */
  #endOf(kept: Kept, instance: FleetInstance, at: { phase: Phase; last: boolean }): number {
    const plain = this.#deps.residences.get(kept.version.revisionId)?.state.kind === 'plain';
    const { stay } = kept;
    if (kept.busy.size > 0 || stay === null) return instance.idleSinceMs + this.#keepMs(kept.version);
    if (plain && at.last && at.phase !== 'away') return kept.idleSinceMs + Math.max(stay.snapshotMs, stay.instancesMs);
    if (at.phase === 'away') return kept.idleSinceMs;
    return instance.idleSinceMs + stay.instancesMs;
  }

  #snapshotIn(kept: Kept, phase: Phase): void {
    const residence = this.#deps.residences.get(kept.version.revisionId);
    const { scaling, snapshot } = kept.version;
    if (phase === 'away' || phase === 'over') {
      const inUse = (residence?.startsUnderWay ?? 0) > 0 || this.#deps.roster.of(kept.version.revisionId).size > 0;
      if (scaling.min === 0 && !inUse) void residence?.evict('idle');
      if (phase === 'over') kept.habit.uses = 0;
      return;
    }
    if (phase !== 'back' || kept.prewarmed) return;
    kept.prewarmed = true;
    if (snapshot === 'off' && this.#deps.roster.of(kept.version.revisionId).size > 0) return;
    this.#deps.prewarm(kept.version, () => {
      const serves = this.#kept.get(kept.version.revisionId) === kept;
      // Its turn may come so late that nobody is expected any more.
      return serves && kept.prewarmed && kept.busy.size === 0 && kept.stay !== null && this.#phase(kept, kept.stay) === 'back';
    });
  }

  #phase(kept: Kept, stay: Stay): Phase {
    return phaseOf(stay, this.#deps.clock.monotonic() - kept.idleSinceMs);
  }

  #next(kept: Kept, now: number, phase: Phase): number | null {
    const { roster } = this.#deps;
    const { revisionId, scaling } = kept.version;
    const times: number[] = [];
    const alive = roster.serving(revisionId);
    if (alive > scaling.min) {
      for (const instance of roster.of(revisionId)) {
        if (roster.resting.has(instance)) times.push(this.#endOf(kept, instance, { phase, last: alive === 1 }));
      }
    }
    if (kept.busy.size === 0) {
      const { stay, idleSinceMs } = kept;
      if (stay === null) times.push(idleSinceMs + this.#momentMs(kept.version));
      else times.push(...[stay.awayMs, stay.snapshotMs].filter((ms) => ms !== null).map((ms) => idleSinceMs + ms));
    }
    const later = times.filter((at) => at > now);
    return later.length === 0 ? null : Math.min(...later);
  }
}
