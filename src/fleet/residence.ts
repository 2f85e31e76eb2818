import type { Clock } from '../lib/clock.ts';
import { deferred } from '../lib/deferred.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InitReport, Rung } from '../model/instance.ts';
import type { Step } from '../model/waterfall.ts';
import { InitFailure } from './driver.ts';
import type { Driver, DriverInstance, DriverSnapshot, InstanceSpec, StartSpec } from './driver.ts';
import type { Absence, StartObservation } from './policies/start-reason.ts';

/** What is resident for a version beside its instances. */
export type ResidenceState =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'preparing';
      /** Rejects as the making did: one failed init phase answers all who waited for it. */ readonly done: Promise<void>;
    }
  | { readonly kind: 'snapshot'; readonly snapshot: DriverSnapshot; /** Milliseconds since the epoch. */ readonly madeAtMs: number }
  | {
      readonly kind: 'plain';
      readonly reason: string;
      readonly init: InitReport | null;
      /** When a snapshot is tried again, monotonic; null: never for this revision. */
      readonly againAtMs: number | null;
    };

/** One instance, and what was gone through for it. */
export interface Started {
  readonly instance: DriverInstance;
  /** Where the start began: below `snapshot` when the snapshot had to be made first. */
  readonly rung: Rung;
  /** The init phase that was waited for, its own or that of the snapshot; null when there was none to wait for. */
  readonly init: InitReport | null;
  /** Whether it ran for this start: of several that waited for one init phase, one pays. */
  readonly initBilled: boolean;
  /** What was gone through, the making of the snapshot included where it was waited for; on the monotonic clock. */
  readonly steps: readonly Step[];
  /** What there was to start from when it began. */
  readonly found: StartObservation['found'];
  /** Whether a snapshot was being made when it began, for another start. */
  readonly making: boolean;
}

/** What a residence tells its fleet. */
export interface ResidenceObserver {
  made(residence: Residence, snapshot: DriverSnapshot): void;
  /** Once for each that was made, whatever ended it. */
  gone(residence: Residence): void;
}

/** Children in a row that a parent may lose before another parent is made: one that did not greet in time may have been unlucky. */
const LOSSES_OF_A_PARENT = 2;
/** Parents in a row that lost their children before the version is started plainly. */
const LOST_PARENTS = 2;
/** Failed forks of one start before that one instance is started plainly, whatever is known of the snapshot. */
const FAILURES_OF_A_START = 5;
/** How long a version is started plainly, before a snapshot is tried again; doubled each time, up to the last. */
const PLAIN_MS = 60_000;
const LONGEST_PLAIN_MS = 3_600_000;

/**
 * The snapshot of one version: made once however many ask, forked from while it is there, made again when it was lost, and
 * done without when the version can't be forked.
 */
export class Residence {
  readonly version: FunctionVersion;
  readonly driver: Driver;
  readonly #clock: Clock;
  readonly #observer: ResidenceObserver;
  #state: ResidenceState = { kind: 'nothing' };
  /** Why there is no snapshot, while there is none. */
  #absence: Absence = { kind: 'new' };
  #retired = false;
  /** Instances forked from the present snapshot. */
  forks = 0;
  /** Forks that failed and were done again, so that no caller saw them; of all snapshots there ever were. */
  failedForks = 0;
  /** Losses of the present snapshot since a child of its greeted. */
  #losses = 0;
  /** Snapshots given up since a child greeted. */
  #lostParents = 0;
  #plainMs = PLAIN_MS;
  /** Monotonic. */
  lastUsedMs = 0;
  /** The eviction clock when it was made or last used. */
  clockAtUse = 0;
  /** Starts that were asked for and have not ended: while there are any, the snapshot is in use. */
  startsUnderWay = 0;
  /** How long its init phase took when it last ran, milliseconds; null: it has not, or never to its end. */
  initMs: number | null = null;

  constructor(version: FunctionVersion, driver: Driver, parts: { readonly clock: Clock; readonly observer: ResidenceObserver }) {
    this.version = version;
    this.driver = driver;
    this.#clock = parts.clock;
    this.#observer = parts.observer;
    const never = version.snapshot === 'off' ? 'snapshots are off for this function' : driver.unforkable(version.runtime);
    if (never !== null) this.#state = { kind: 'plain', reason: never, init: null, againAtMs: null };
  }

  get state(): ResidenceState {
    return this.#state;
  }

  /**
   * Starts one instance on the best rung there is. `spec` is asked for when something must run user code. A fork that fails is done again, from
   * another parent if need be, and in the end the instance is started plainly. Rejects with InitFailure or what the driver could not do.
   */
  async start(spec: () => Promise<StartSpec>, instance: InstanceSpec): Promise<Started> {
    this.startsUnderWay++;
    try {
      const started = await this.#start(spec, instance);
      this.initMs = started.init?.durationMs ?? this.initMs;
      return started;
    } finally {
      this.startsUnderWay--;
    }
  }

  async #start(spec: () => Promise<StartSpec>, instance: InstanceSpec): Promise<Started> {
    let waited: 'no' | 'made' | 'shared' = 'no';
    const began = { found: this.#found(), making: this.#state.kind === 'preparing' };
    for (let failures = 0; ;) {
      const state = this.#state;
      switch (state.kind) {
        case 'plain':
          if (state.againAtMs !== null && this.#clock.monotonic() >= state.againAtMs) {
            this.#state = { kind: 'nothing' };
            break;
          }
          return plainly(await this.driver.start(await spec(), instance), began);
        case 'preparing':
          await state.done.catch((error: unknown) => {
            throw error instanceof InitFailure ? error.shared() : error;
          });
          waited = 'shared';
          break;
        case 'nothing': {
          const first = await this.prepare(spec, instance);
          if (first !== null) return plainly(first, began);
          waited = 'made';
          break;
        }
        case 'snapshot': {
          const forked = await this.#fork(state.snapshot, instance);
          if (forked === null) {
            if (++failures >= FAILURES_OF_A_START) return plainly(await this.driver.start(await spec(), instance), began);
            break;
          }
          if (waited === 'no') return { instance: forked, rung: forked.rung, init: null, initBilled: false, steps: forked.steps, ...began };
          const { rung, init, steps } = state.snapshot;
          return { instance: forked, rung, init, initBilled: waited === 'made', steps: [...steps, ...forked.steps], ...began };
        }
        default:
          state satisfies never;
      }
    }
  }

  /**
   * Makes the snapshot. Resolves with an instance when the version turned out not to be forkable: the process that ran the init phase
   * serves. Rejects with InitFailure.
   */
  async prepare(spec: () => Promise<StartSpec>, first: InstanceSpec): Promise<DriverInstance | null> {
    const making = deferred<void>();
    making.promise.catch(() => undefined); // those who wait for it are told; there may be none
    this.#state = { kind: 'preparing', done: making.promise };
    try {
      const prepared = await this.driver.prepare(await spec(), first);
      if (prepared.kind === 'instance') {
        const againAtMs = prepared.passing === true ? this.#again() : null;
        this.#state = { kind: 'plain', reason: prepared.reason, init: prepared.instance.init, againAtMs };
        this.initMs = prepared.instance.init?.durationMs ?? null;
        making.resolve();
        return prepared.instance;
      }
      this.lastUsedMs = this.#clock.monotonic();
      this.#settle(prepared.snapshot, this.#clock.now());
      making.resolve();
      return null;
    } catch (error) {
      this.#state = { kind: 'nothing' };
      if (error instanceof InitFailure) this.#absence = { kind: 'failed', atMs: this.#clock.now() };
      making.reject(error);
      throw error;
    }
  }

  /** Ends the snapshot; instances live on. True when there was one. `by`: why, for whoever waits for the next. */
  async evict(by: 'idle' | 'memory' | 'asked' = 'asked'): Promise<boolean> {
    const state = this.#state;
    if (state.kind !== 'snapshot') return false;
    this.#vanished();
    this.#absence = { kind: 'evicted', by, atMs: this.#clock.now(), unusedMs: this.#clock.monotonic() - this.lastUsedMs };
    await state.snapshot.evict();
    return true;
  }

  /** The revision no longer serves: its snapshot goes, also one that is still being made. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.evict();
  }

  #found(): Started['found'] {
    const { kind } = this.#state;
    return kind === 'snapshot' ? { kind } : kind === 'plain' ? this.#state : this.#absence;
  }

  /** Null: the fork failed, and something else must be tried. Rejects with InitFailure when that is the function's doing. */
  async #fork(snapshot: DriverSnapshot, instance: InstanceSpec): Promise<DriverInstance | null> {
    this.lastUsedMs = this.#clock.monotonic();
    try {
      const forked = await this.driver.fork(snapshot, instance);
      this.forks++;
      this.#losses = 0;
      this.#lostParents = 0;
      this.#plainMs = PLAIN_MS;
      return forked;
    } catch (error) {
      if (error instanceof InitFailure) throw Object.assign(error, { rung: 'snapshot', billed: false }); // its own after-restore hooks failed, which cost nothing where they don't either
      this.failedForks++;
      await this.#lost(snapshot, error);
      return null;
    }
  }

  #vanished(): void {
    this.#state = { kind: 'nothing' };
    this.#observer.gone(this);
  }

  /** A child was lost. Of many lost at once, those of a parent that has been given up by then count no more. */
  async #lost(snapshot: DriverSnapshot, error: unknown): Promise<void> {
    if (this.#state.kind !== 'snapshot' || this.#state.snapshot !== snapshot) return;
    if (++this.#losses < LOSSES_OF_A_PARENT) return;
    this.#losses = 0;
    const enough = ++this.#lostParents >= LOST_PARENTS;
    const { init } = snapshot;
    const evicted = this.evict();
    this.#absence = { kind: 'lost', atMs: this.#clock.now() };
    if (enough) {
      const why = error instanceof Error ? error.message : String(error);
      const reason = `instances forked from its snapshot did not come up (${why}); a snapshot is tried again in ${this.#plainMs / 60_000} min`;
      this.#state = { kind: 'plain', reason, init, againAtMs: this.#again() };
    }
    await evicted;
  }

  /** When a snapshot is tried again, monotonic; ever later. */
  #again(): number {
    const againAtMs = this.#clock.monotonic() + this.#plainMs;
    this.#plainMs = Math.min(this.#plainMs * 2, LONGEST_PLAIN_MS);
    return againAtMs;
  }

  #settle(snapshot: DriverSnapshot, madeAtMs: number): void {
    this.#state = { kind: 'snapshot', snapshot, madeAtMs };
    this.forks = 0;
    this.initMs = snapshot.init.durationMs;
    this.#observer.made(this, snapshot);
    this.#losses = 0;
    void snapshot.gone.then(() => {
      if (this.#state.kind !== 'snapshot' || this.#state.snapshot !== snapshot) return;
      this.#vanished();
      this.#absence = { kind: 'lost', atMs: this.#clock.now() };
    });
    if (this.#retired) void this.evict();
  }
}

function plainly(instance: DriverInstance, began: Pick<Started, 'found' | 'making'>): Started {
  const { rung, init, steps } = instance;
  return { instance, rung, init, initBilled: init !== null, steps, ...began };
}
