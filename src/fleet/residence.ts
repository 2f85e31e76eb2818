import type { Clock } from '../lib/clock.ts';
import { deferred } from '../lib/deferred.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InitReport, Rung } from '../model/instance.ts';
import type { Step } from '../model/waterfall.ts';
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
  | { readonly kind: 'plain'; readonly reason: string; readonly init: InitReport | null };

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
}

/** Tries at one start before it is given up: a child that did not greet, a parent that went away. */
const FORK_TRIES = 3;

/**
 * The snapshot of one version: made once however many ask, forked from while it is there, made again when it was lost, and
 * done without when the version can't be forked.
 */
export class Residence {
  readonly version: FunctionVersion;
  readonly driver: Driver;
  readonly #clock: Clock;
  #state: ResidenceState = { kind: 'nothing' };
  /** Why there is no snapshot, while there is none. */
  #absence: Absence = { kind: 'new' };
  #retired = false;
  /** Instances forked from the present snapshot. */
  forks = 0;
  /** Forks that failed and were tried again. */
  failedForks = 0;
  /** Monotonic. */
  lastUsedMs = 0;

  constructor(version: FunctionVersion, driver: Driver, clock: Clock) {
    this.version = version;
    this.driver = driver;
    this.#clock = clock;
    const never = version.snapshot === 'off' ? 'snapshots are off for this function' : driver.unforkable(version.runtime);
    if (never !== null) this.#state = { kind: 'plain', reason: never, init: null };
  }

  get state(): ResidenceState {
    return this.#state;
  }

  /**
   * Starts one instance on the best rung there is. `spec` is asked for when something must run user code.
   * Rejects with InitFailure or what the driver could not do.
   */
  async start(spec: () => Promise<StartSpec>, instance: InstanceSpec): Promise<Started> {
    let waited: 'no' | 'made' | 'shared' = 'no';
    const found = this.#found();
    for (let failures = 0; ;) {
      const state = this.#state;
      switch (state.kind) {
        case 'plain':
          return plainly(await this.driver.start(await spec(), instance), found);
        case 'preparing':
          await state.done;
          waited = 'shared';
          break;
        case 'nothing': {
          const first = await this.prepare(spec, instance);
          if (first !== null) return plainly(first, found);
          waited = 'made';
          break;
        }
        case 'snapshot': {
          const forked = await this.#fork(state.snapshot, instance).catch((error: unknown) => {
            if (++failures >= FORK_TRIES) throw error;
            return null;
          });
          if (forked === null) {
            // A parent that failed twice is not asked a third time: another one is made.
            if (failures > 1) await this.evict();
            break;
          }
          if (waited === 'no') return { instance: forked, rung: forked.rung, init: null, initBilled: false, steps: forked.steps, found };
          const { rung, init, steps } = state.snapshot;
          return { instance: forked, rung, init, initBilled: waited === 'made', steps: [...steps, ...forked.steps], found };
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
        this.#state = { kind: 'plain', reason: prepared.reason, init: prepared.instance.init };
        making.resolve();
        return prepared.instance;
      }
      this.lastUsedMs = this.#clock.monotonic();
      this.#settle(prepared.snapshot, this.#clock.now());
      making.resolve();
      return null;
    } catch (error) {
      this.#state = { kind: 'nothing' };
      making.reject(error);
      throw error;
    }
  }

  /** Ends the snapshot; instances live on. True when there was one. `by`: why, for whoever waits for the next. */
  async evict(by: 'idle' | 'memory' | 'asked' = 'asked'): Promise<boolean> {
    const state = this.#state;
    if (state.kind !== 'snapshot') return false;
    this.#state = { kind: 'nothing' };
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

  async #fork(snapshot: DriverSnapshot, instance: InstanceSpec): Promise<DriverInstance> {
    this.lastUsedMs = this.#clock.monotonic();
    try {
      const forked = await this.driver.fork(snapshot, instance);
      this.forks++;
      return forked;
    } catch (error) {
      this.failedForks++;
      throw error;
    }
  }

  #settle(snapshot: DriverSnapshot, madeAtMs: number): void {
    this.#state = { kind: 'snapshot', snapshot, madeAtMs };
    this.forks = 0;
    void snapshot.gone.then(() => {
      if (this.#state.kind !== 'snapshot' || this.#state.snapshot !== snapshot) return;
      this.#state = { kind: 'nothing' };
      this.#absence = { kind: 'lost', atMs: this.#clock.now() };
    });
    if (this.#retired) void this.evict();
  }
}

function plainly(instance: DriverInstance, found: Started['found']): Started {
  const { rung, init, steps } = instance;
  return { instance, rung, init, initBilled: init !== null, steps, found };
}
