import type { Clock, Timer } from '../lib/clock.ts';
import { RunningMean } from '../lib/running-mean.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { yieldTo } from './policies/fair-share.ts';
import { sharedPlaces, withinFunctionLimit } from './policies/function-limit.ts';
import { startsWanted, type QueueObservation } from './policies/scale-out.ts';
import { throttled } from '../model/throttled.ts';
import { Patience } from './patience.ts';
import { Slots, type Slot } from './slots.ts';
import { YoungRuns } from './young-runs.ts';
import type { Worker, WorkerInstance } from './worker.ts';

/** A place on an instance, granted to one invocation. Give it back with `VersionQueue.release`. */
export interface Place {
  readonly instance: WorkerInstance;
  /** Whether the invocation had to wait for this very instance to start. */
  readonly cold: boolean;
  /** Whether it is the instance's first: of several that waited for it together, one pays. */
  readonly first: boolean;
}

interface Waiter {
  readonly sinceMs: number;
  resolve(place: Place): void;
  reject(error: unknown): void;
}

export interface QueueLimits {
  /** Most invocations that may wait for the machine's capacity. */
  readonly queueLength: number;
  /** Longest wait for the machine's capacity, milliseconds. */
  readonly queueMs: number;
}

/**
 * The one queue of a version. A waiting invocation takes whichever comes first: an instance that frees or one that is
 * starting. Invariant: while anyone waits, no instance has a free place.
 */
export class VersionQueue {
  readonly version: FunctionVersion;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #limits: QueueLimits;
  readonly #elsewhere: () => number;
  readonly #blockedQueues: Set<VersionQueue>;
  readonly #slots: Slots;
  #waiting: Waiter[] = [];
  #starting = 0;
  readonly #young = new YoungRuns();
  readonly #runMs = new RunningMean(0.1);
  readonly #startMs = new RunningMean(0.3);
  readonly #patience: Patience;
  #blockedSinceMs: number | null = null;
  #blockedTimer: Timer | null = null;
  /** Instances that others gave up for it, and that it has not begun to start. */
  #promised = 0;

  /**
   * `elsewhere`: the places that other versions of the function have taken of what they share; asked only where the function has a limit. `blocked`: the queues that
   * wait since the machine is full, in the order in which they began to.
   */
  constructor(
    version: FunctionVersion,
    deps: { worker: Worker; clock: Clock; limits: QueueLimits; elsewhere: () => number; blocked: Set<VersionQueue> },
  ) {
    this.version = version;
    this.#worker = deps.worker;
    this.#clock = deps.clock;
    this.#limits = deps.limits;
    this.#elsewhere = deps.elsewhere;
    this.#blockedQueues = deps.blocked;
    this.#patience = new Patience(deps.clock);
    this.#slots = new Slots(() => version.scaling.concurrency);
  }

  get depth(): { readonly queued: number; readonly starting: number; readonly inFlight: number; readonly instances: number } {
    return { queued: this.#waiting.length, starting: this.#starting, inFlight: this.#slots.inFlight, instances: this.#slots.size };
  }

  /** Whether anybody waits: asked of every version whenever an instance ends, so it makes nothing. */
  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Instances it has, those on their way and those that make room for one included. */
  get share(): number {
    return this.#slots.size + this.#starting + this.#promised;
  }

  /** Instances that it waits for, and for which nobody has made room yet. */
  get unmet(): number {
    const { concurrency } = this.version.scaling;
    return Math.ceil(this.#waiting.length / concurrency) - this.#starting - this.#promised;
  }

  /** In which order queues take room: by what they have, those for whom it was made first. */
  get rank(): number {
    return this.#slots.size + this.#starting - this.#promised;
  }

  /** The places it has taken of what the function's versions share. */
  get sharedPlaces(): number {
    return sharedPlaces(this.#usage());
  }

  /** A free place at once, or null. Throws the 429 of the function's own limit. */
  take(): Place | null {
    this.#checkLimit();
    const slot = this.#slots.top;
    return slot === undefined ? null : this.#grant(slot, false);
  }

  /** A call is on its way. Where there is nothing for it, an instance is started meanwhile; should it not come, that one is idle like any other. */
  expect(): void {
    if (this.#slots.size + this.#starting + this.#waiting.length > 0 || !this.#withinLimit()) return;
    if (this.#worker.admit(this.version) !== 'now') return;
    this.#worker.expect(this.version);
    this.#startOne();
  }

  /** Waits for a place. Rejects with InitFailure, or HearthError TooManyRequestsException. */
  wait(): Promise<Place> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ sinceMs: this.#clock.monotonic(), resolve, reject });
      this.pump();
    });
  }

  /** Gives a place back after `ranMs`: to the next in the queue, or the instance rests. */
  release(instance: WorkerInstance, ranMs: number): void {
    this.#runMs.add(ranMs);
    this.#young.ended(this.#clock.monotonic(), ranMs);
    this.#patience.released();
    const slot = this.#slots.giveBack(instance);
    if (slot === null || !instance.alive) return;
    const wasFull = slot.inFlight + 1 === this.version.scaling.concurrency;
    if (slot.inFlight === 0 && this.#waiting.length > 0 && this.#gaveUp(instance)) return;
    if (wasFull) this.#slots.free(slot);
    const next = this.#waiting.shift();
    if (next !== undefined) next.resolve(this.#grant(slot, false));
    else if (slot.inFlight === 0) instance.idle();
  }

  /** At the machine's limit a function whose callers never cease would keep what it has for ever: ends an instance for another's sake. */
  #gaveUp(instance: WorkerInstance): boolean {
    if (this.#blockedQueues.size === 0) return false;
    const rival = yieldTo(this.share, this.#others());
    if (rival === null || !this.#worker.makesRoom(instance, rival.version)) return false;
    rival.#promised++;
    instance.idle(); // it ends at rest, not under an invocation
    void instance.kill();
    return true;
  }

  *#others(): Generator<VersionQueue> {
    for (const queue of this.#blockedQueues) if (queue !== this) yield queue;
  }

  /** Starts what is wanted and admitted. Called when something changed: a waiter came, a start ended, there is room again. */
  pump(): void {
    this.#pump(false);
  }

  #pump(impatient: boolean): void {
    let wanted = startsWanted(this.#observe(impatient));
    if (wanted === 0 && this.#waiting.length > this.#starting * this.version.scaling.concurrency) {
      this.#patience.ask(Math.max(1, this.#startMs.value ?? 1), (lost) => {
        if (this.#waiting.length > 0) this.#pump(lost);
      });
    }
    let full = false;
    // Who is asked for patience changes nothing about the machine being full.
    const told = wanted > 0 || this.#waiting.length === 0;
    for (; wanted > 0; wanted--) {
      const admission = this.#worker.admit(this.version);
      if (admission !== 'now') {
        full = admission === 'full';
        if (admission === 'refused') this.#refuse();
        break;
      }
      this.#startOne();
    }
    if (full) this.#blocked();
    else if (told) this.#unblocked();
  }

  #observe(impatient: boolean): QueueObservation {
    const first = this.#waiting[0];
    return {
      queued: this.#waiting.length,
      oldestWaitMs: first === undefined || !impatient ? 0 : this.#clock.monotonic() - first.sinceMs,
      starting: this.#starting,
      young: this.#young.count(this.#clock.monotonic()),
      concurrency: this.version.scaling.concurrency,
      runMs: this.#runMs.value,
      startMs: this.#startMs.value,
    };
  }

  #checkLimit(): void {
    if (!this.#withinLimit()) throw throttled('ReservedFunctionConcurrentInvocationLimitExceeded');
  }

  #withinLimit(): boolean {
    const { max } = this.version.scaling;
    return max === null || withinFunctionLimit({ ...this.#usage(), max, elsewhere: this.#elsewhere() });
  }

  #usage(): { inFlight: number; queued: number; concurrency: number; provisioned: number } {
    const { concurrency, min } = this.version.scaling;
    // What is kept of $LATEST is kept of what all share: Lambda provisions versions that have a number.
    const provisioned = this.version.version === '$LATEST' ? 0 : min;
    return { inFlight: this.#slots.inFlight, queued: this.#waiting.length, concurrency, provisioned };
  }

  #grant(slot: Slot, waited: boolean): Place {
    const first = this.#slots.take(slot);
    this.#young.begun(this.#clock.monotonic());
    slot.instance.busy();
    return { instance: slot.instance, cold: waited, first };
  }

  #startOne(): void {
    this.#starting++;
    if (this.#promised > 0) this.#promised--;
    const from = this.#clock.monotonic();
    this.#worker.start(this.version).then(
      (instance) => {
        this.#starting--;
        // Those that had to wait for a snapshot to be made say nothing of the next.
        if (instance.start.init === null) this.#startMs.add(this.#clock.monotonic() - from);
        this.#joined(instance);
        this.pump();
      },
      (error: unknown) => {
        this.#starting--;
        // The start was made for someone who waits: the one at the head is told why it failed. Nobody, where it was expected and did not come yet.
        this.#waiting.shift()?.reject(error);
        this.pump();
      },
    );
  }

  #joined(instance: WorkerInstance): void {
    const slot = this.#slots.add(instance);
    instance.onGone(() => {
      this.#slots.delete(slot);
      if (this.#waiting.length > 0) this.pump();
    });
    if (!instance.alive) return;
    this.#slots.free(slot);
    // One that was kept ready started before they came: nobody waited for it.
    const readyAtMs = instance.start.orderedAtMs + instance.start.startMs;
    for (let next = this.#waiting[0]; next !== undefined && this.#slots.top === slot; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.resolve(this.#grant(slot, readyAtMs > next.sinceMs));
    }
    if (slot.inFlight === 0) instance.idle();
  }

  /** No snapshot may be made: whoever is not covered by a start under way waits for nothing. */
  #refuse(): void {
    for (const w of this.#waiting.splice(this.#starting * this.version.scaling.concurrency))
      w.reject(throttled('ConcurrentSnapshotCreateLimitExceeded'));
  }

  /** The machine is full: those not covered by a start under way wait at most `queueMs`, and at most `queueLength` of them. */
  #blocked(): void {
    const now = this.#clock.monotonic();
    this.#blockedSinceMs ??= now;
    this.#promised = 0; // it was not enough, or another took it
    const covered = this.#starting * this.version.scaling.concurrency;
    const since = this.#blockedSinceMs;
    const expired = (w: Waiter, at: number): boolean =>
      at >= covered + this.#limits.queueLength || (at >= covered && now - Math.max(since, w.sinceMs) >= this.#limits.queueMs);
    const refused = this.#waiting.filter(expired);
    if (refused.length > 0) {
      this.#waiting = this.#waiting.filter((w, at) => !expired(w, at));
      for (const w of refused) w.reject(throttled('ConcurrentInvocationLimitExceeded'));
    }
    if (this.#waiting.length > 0) this.#blockedQueues.add(this);
    if (this.#waiting.length > 0 && this.#blockedTimer === null) {
      this.#blockedTimer = this.#clock.after(Math.min(50, this.#limits.queueMs), () => {
        this.#blockedTimer = null;
        this.#pump(true);
      });
    }
  }

  #unblocked(): void {
    this.#blockedSinceMs = null;
    this.#promised = 0;
    this.#blockedQueues.delete(this);
    this.#blockedTimer?.cancel();
    this.#blockedTimer = null;
  }
}
