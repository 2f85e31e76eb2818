import type { Admission, Worker } from '../dispatch/worker.ts';
import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import { failureDocument } from '../model/error-document.ts';
import { exitWords } from '../model/exit-words.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { Accounts } from './accounts.ts';
import { ChainHistory } from './chain-history.ts';
import { InitFailure } from './driver.ts';
import { Evictor } from './evictor.ts';
import { Habits } from './habits.ts';
import { Holdings } from './holdings.ts';
import type { FleetInstance } from './instance.ts';
import { Keeper } from './keeper.ts';
import type { MemoryGauge } from './memory-gauge.ts';
import { MemoryModel } from './memory-model.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { Shortfall } from './minimum.ts';
import type { Outlook } from './outlook.ts';
import { Pressure } from './pressure.ts';
import type { Provision } from './provision.ts';
import { Readiness, type Preparation } from './readiness.ts';
import { Residence, type ResidenceObserver } from './residence.ts';
import { RESIDENCY, type ResidencyOptions } from './residency.ts';
import { Roster } from './roster.ts';
import { Spares } from './spares.ts';
import { StartBudget, type FleetLimits } from './start-budget.ts';
import { Starter } from './starter.ts';
import { StartObserver } from './start-observer.ts';

export interface FleetDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly memory: MemoryGauge;
  readonly provision: Provision;
  readonly limits: FleetLimits;
  readonly keep: { readonly lingerMs: number; readonly keepAliveMs: number; readonly snapshotKeepMs: number };
  /** What is not said is as RESIDENCY has it. */
  readonly residency?: Partial<ResidencyOptions>;
}

/** The instances of this machine: started, kept, stopped, ended. Dispatch asks it as its Worker. */
export class LocalFleet implements Worker {
  readonly #deps: FleetDeps;
  readonly #roster = new Roster();
  readonly #residences = new Map<string, Residence>();
  readonly #spares = new Spares();
  readonly #model = new MemoryModel();
  readonly #holdings = new Holdings<FleetInstance | Residence>();
  readonly #watch: MemoryWatch;
  readonly #starts: StartObserver;
  readonly #starter: Starter;
  readonly #budget: StartBudget;
  readonly #evictor: Evictor;
  readonly #keeper: Keeper;
  readonly #pressure: Pressure;
  readonly #readiness: Readiness;
  /** How functions are used: what the policies decide from. */
  readonly habits: Habits;
  /** For which chains of events instances have worked. */
  readonly chains: ChainHistory;
  #roomListeners: (() => void)[] = [];
  #closed = false;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    const { clock, ids, keep, memory, limits, provision } = deps;
    const options = { ...RESIDENCY, ...deps.residency };
    const parts = { roster: this.#roster, residences: this.#residences };
    this.habits = new Habits(clock, options.rangeMinutes);
    this.#budget = new StartBudget({ ...parts, clock, limits, memory, model: this.#model, room: () => this.#room() });
    this.#watch = new MemoryWatch(clock);
    this.#starts = new StartObserver(clock);
    this.chains = new ChainHistory(clock);
    const { eviction: policy, capBytes } = options;
    this.#evictor = new Evictor({ ...parts, holdings: this.#holdings, habits: this.habits, policy, capBytes });
    this.#keeper = new Keeper({
      ...parts,
      clock,
      keep,
      policyOf: options.policyOf,
      habits: this.habits,
      addSpare: (version) => this.#keepOne(version),
      prewarm: (version, wanted) => this.#readiness.prewarm(version, wanted),
    });
    const observer = new Accounts({
      ...parts,
      clock,
      spares: this.#spares,
      model: this.#model,
      holdings: this.#holdings,
      watch: this.#watch,
      starts: this.#starts,
      evictor: this.#evictor,
      keeper: this.#keeper,
      unserved: (revisionId) => void this.retire(revisionId),
      room: () => this.#room(),
    });
    const starting = { clock, ids, provision: this.#metered(provision), observer, starts: this.#starts, roster: this.#roster };
    this.#starter = new Starter({ ...starting, chains: this.chains });
    this.#readiness = new Readiness({
      clock,
      limits,
      residency: options,
      budget: this.#budget,
      roster: this.#roster,
      residence: (version) => this.#residence(version),
      prepare: (version) => this.#prepare(version),
      addSpare: (version) => this.#addSpare(version),
    });
    this.#pressure = new Pressure({ clock, memory, reserveBytes: limits.reserveBytes, evictor: this.#evictor, holdings: this.#holdings });
  }

  get roster(): Roster {
    return this.#roster;
  }

  get residences(): ReadonlyMap<string, Residence> {
    return this.#residences;
  }

  /** What is to become of what a version keeps; null when it does not serve. */
  outlook(revisionId: string): Outlook | null {
    return this.#keeper.outlook(revisionId);
  }

  /** Why a version has fewer instances than its minimum, as far as that is known; else null. */
  shortfall(revisionId: string): Shortfall | null {
    return this.#keeper.shortfall(revisionId);
  }

  /** Bytes that everything resident is held to use. */
  get residentBytes(): number {
    return this.#holdings.total;
  }

  admit(version: FunctionVersion): Admission {
    if (this.#spares.has(version.revisionId)) return 'now';
    if (this.#budget.snapshotRefused(version)) return 'refused';
    const { verdict, missing } = this.#budget.verdict(version);
    if (verdict === 'full') this.#evictor.free(missing, version.revisionId);
    return verdict;
  }

  makesRoom(instance: FleetInstance, version: FunctionVersion): boolean {
    const { revisionId, scaling } = instance.version;
    const size = this.#roster.serving(revisionId);
    // With others to follow it that many may be needed; the last one goes only where it is enough by itself.
    const count = Math.max(1, size - Math.max(1, scaling.min));
    return size > scaling.min && this.#budget.fitsWithout({ count, bytes: count * this.#holdings.of(instance) }, version);
  }

  expect(version: FunctionVersion): void {
    this.#keeper.expect(version.revisionId);
  }

  async start(version: FunctionVersion): Promise<FleetInstance> {
    if (this.#closed) throw new HearthError('ServiceUnavailable', 'The server is ending and starts nothing more.');
    const { revisionId } = version;
    const spare = this.#spares.take(revisionId);
    return (
      spare ??
      this.#spares.takeOr(
        revisionId,
        this.#budget.charged(version, 1, () => this.#start(version, false)),
      )
    );
  }

  onRoom(listener: () => void): void {
    this.#roomListeners.push(listener);
  }

  /** The version serves from now on: its instances are kept, also its minimum of them. */
  serve(version: FunctionVersion): void {
    this.#keeper.serve(version);
  }

  /** A version that served under an earlier server: its snapshot is made again in the background, unless its habit says later. */
  revive(version: FunctionVersion): void {
    this.serve(version);
    if (version.snapshot !== 'onDeploy') return;
    this.#readiness.revive(version, () => this.#keeper.expects(version.revisionId) && this.#roster.serving(version.revisionId) === 0);
  }

  /** The version serves and, where it asks for it, its snapshot is made now. Rejects with InitFailure. */
  deploy(version: FunctionVersion): Promise<Preparation> {
    this.serve(version);
    return this.#readiness.deploy(version);
  }

  /** The version serves, and is made ready to take over from `previous`: see Readiness. Rejects with InitFailure. */
  takeOver(version: FunctionVersion, previous: FunctionVersion): Promise<Preparation> {
    this.serve(version);
    return this.#readiness.takeOver(version, previous);
  }

  /** Whether callers of a version would lose something if it went: an instance, a snapshot, or code of which it is known that it runs. */
  keeps({ revisionId }: FunctionVersion): boolean {
    return this.#roster.of(revisionId).size > 0 || (this.#residences.get(revisionId)?.initMs ?? null) !== null;
  }

  /** The revision no longer serves: its snapshot goes, idle instances end, busy ones end when they fall idle. */
  async retire(revisionId: string): Promise<void> {
    this.#keeper.retire(revisionId);
    this.#model.forget(revisionId);
    this.#starts.forget(revisionId);
    const residence = this.#residences.get(revisionId);
    this.#residences.delete(revisionId);
    await Promise.all([residence?.retire(), ...this.endIdle(revisionId)]);
  }

  /** Ends a version's idle instances; one promise for each. */
  endIdle(revisionId: string): Promise<unknown>[] {
    this.#spares.drop(revisionId);
    return [...this.#roster.of(revisionId)].filter((i) => i.state === 'idle' || i.state === 'paused').map((i) => i.kill());
  }

  /** Ends every instance, busy or not, and starts none any more: whoever waits for one is told, whoever waits for an answer has none. */
  async halt(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#roster.all()].map((i) => i.kill()));
  }

  /** The same, with all that is kept. Drivers are closed by whoever made them. */
  async close(): Promise<void> {
    for (const part of [this.#keeper, this.#watch, this.#readiness, this.#pressure]) part.close();
    await this.halt();
    await Promise.all([...this.#residences.values()].map((r) => r.retire()));
  }

  /** The same, with an eye on what init phases use of the processors. */
  #metered(provision: Provision): Provision {
    return {
      driver: (runtime) => provision.driver(runtime),
      log: (version, logStream) => provision.log(version, logStream),
      printed: (log) => provision.printed(log),
      startSpec: async (version, o) => ({
        ...(await provision.startSpec(version, o)),
        initRuns: (meter) => this.#budget.initRuns(version, meter),
      }),
    };
  }

  #residence(version: FunctionVersion): Residence {
    let residence = this.#residences.get(version.revisionId);
    if (residence === undefined) {
      const { clock, provision } = this.#deps;
      const observer = { made: this.#made, gone: (of: Residence) => this.#evictor.gone(of) };
      residence = new Residence(version, provision.driver(version.runtime), { clock, observer });
      this.#residences.set(version.revisionId, residence);
    }
    return residence;
  }

  readonly #made: ResidenceObserver['made'] = (residence, snapshot) => {
    this.#evictor.made(residence, snapshot);
    this.#keeper.made(residence.version.revisionId);
  };

  async #start(version: FunctionVersion, keptReady: boolean): Promise<FleetInstance> {
    return this.#alive(this.#adopt(await this.#starter.start(version, this.#residence(version), keptReady)));
  }

  /** Who waits for an instance that has ended by now is told so: another would end as well, and so on without end. */
  async #alive(instance: FleetInstance): Promise<FleetInstance> {
    if (instance.alive || this.#closed) return instance;
    const status = await instance.kill();
    const document = failureDocument('Runtime.ExitError', exitWords(status), instance.id);
    throw new InitFailure('Runtime.ExitError', document, instance.start.init?.durationMs ?? 0);
  }

  async #prepare(version: FunctionVersion): Promise<void> {
    const first = await this.#budget.charged(version, 0, () => this.#starter.prepare(version, this.#residence(version)));
    if (first !== null) this.#putSpare(await this.#alive(this.#adopt(first)));
  }

  #adopt(instance: FleetInstance): FleetInstance {
    if (instance.state === 'gone') return instance; // that was told before it was here
    this.#roster.add(instance);
    this.#holdings.set(instance, this.#model.expected(instance.version, this.#budget.hasSnapshot(instance.version)));
    this.#evictor.fit(instance.version.revisionId);
    if (this.#closed) void instance.kill();
    return instance;
  }

  #putSpare(instance: FleetInstance): void {
    this.#spares.put(instance);
    this.#room();
  }

  /** One of a version's minimum. Rejects as its init phase did, or when the machine has no room, for which what is idle of others then goes. */
  async #keepOne(version: FunctionVersion): Promise<void> {
    const { verdict, missing } = this.#budget.verdict(version);
    if (verdict === 'full') {
      this.#evictor.free(missing, version.revisionId);
      throw new HearthError('ServiceUnavailable', 'the machine has no room for another instance');
    }
    await this.#addSpare(version);
  }

  async #addSpare(version: FunctionVersion): Promise<void> {
    this.#putSpare(await this.#budget.charged(version, 1, () => this.#start(version, true)));
  }

  #room(): void {
    for (const listener of this.#roomListeners) listener();
  }
}
