import { deferred } from '../lib/deferred.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InitReport } from '../model/instance.ts';
import type { Driver, DriverInstance, DriverSnapshot, InstanceSpec, StartSpec } from './driver.ts';

/** What is resident for a version beside its instances. */
export type ResidenceState =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'preparing';
      /** Rejects as the making did: one failed init phase answers all who waited for it. */ readonly done: Promise<void>;
    }
  | { readonly kind: 'snapshot'; readonly snapshot: DriverSnapshot; readonly madeAtMs: number }
  | { readonly kind: 'plain'; readonly reason: string; readonly init: InitReport | null };

/** Tries at one start before it is given up: a child that did not greet, a parent that went away. */
const FORK_TRIES = 3;

/**
 * The snapshot of one version: made once however many ask, forked from while it is there, made again when it was lost, and
 * done without when the version can't be forked.
 */
export class Residence {
  readonly version: FunctionVersion;
  readonly driver: Driver;
  #state: ResidenceState = { kind: 'nothing' };
  #retired = false;
  /** Instances forked from snapshots of this version. */
  forks = 0;
  /** Forks that failed and were tried again. */
  failedForks = 0;
  lastUsedMs = 0;

  constructor(version: FunctionVersion, driver: Driver) {
    this.version = version;
    this.driver = driver;
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
  async start(spec: () => Promise<StartSpec>, instance: InstanceSpec, nowMs: () => number): Promise<DriverInstance> {
    for (let tries = 0; ;) {
      const state = this.#state;
      if (state.kind === 'plain') return this.driver.start(await spec(), instance);
      if (state.kind === 'preparing') {
        await state.done;
        continue;
      }
      if (state.kind === 'nothing') {
        const first = await this.prepare(spec, instance, nowMs);
        if (first !== null) return first;
        continue;
      }
      try {
        this.lastUsedMs = nowMs();
        const forked = await this.driver.fork(state.snapshot, instance);
        this.forks++;
        return forked;
      } catch (error) {
        this.failedForks++;
        if (++tries >= FORK_TRIES) throw error;
      }
    }
  }

  /**
   * Makes the snapshot. Resolves with an instance when the version turned out not to be forkable: the process that ran the init phase
   * serves. Rejects with InitFailure.
   */
  async prepare(spec: () => Promise<StartSpec>, first: InstanceSpec, nowMs: () => number): Promise<DriverInstance | null> {
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
      this.lastUsedMs = nowMs();
      this.#settle(prepared.snapshot, nowMs());
      making.resolve();
      return null;
    } catch (error) {
      this.#state = { kind: 'nothing' };
      making.reject(error);
      throw error;
    }
  }

  /** Ends the snapshot; instances live on. True when there was one. */
  async evict(): Promise<boolean> {
    const state = this.#state;
    if (state.kind !== 'snapshot') return false;
    this.#state = { kind: 'nothing' };
    await state.snapshot.evict();
    return true;
  }

  /** The revision no longer serves: its snapshot goes, also one that is still being made. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.evict();
  }

  #settle(snapshot: DriverSnapshot, madeAtMs: number): void {
    this.#state = { kind: 'snapshot', snapshot, madeAtMs };
    void snapshot.gone.then(() => {
      if (this.#state.kind === 'snapshot' && this.#state.snapshot === snapshot) this.#state = { kind: 'nothing' };
    });
    if (this.#retired) void this.evict();
  }
}
