import type { Admission, Worker } from '../dispatch/worker.ts';
import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InitReport } from '../model/instance.ts';
import type { Driver, InstanceSpec } from './driver.ts';
import { FleetInstance, InstanceLines } from './instance.ts';
import { Keeper } from './keeper.ts';
import { logStreamName } from './log-stream.ts';
import type { MemoryGauge } from './memory-gauge.ts';
import { MemoryModel } from './memory-model.ts';
import { MemoryWatch } from './memory-watch.ts';
import { admit } from './policies/admit.ts';
import { makeRoom } from './policies/make-room.ts';
import type { Provision } from './provision.ts';
import { Residence, type Started } from './residence.ts';
import { Roster } from './roster.ts';
import { StartObserver, type Explain } from './start-observer.ts';

export interface FleetLimits {
  readonly reserveBytes: number;
  readonly instances: number;
  readonly startsAtOnce: number;
}

export interface FleetDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly memory: MemoryGauge;
  readonly provision: Provision;
  readonly limits: FleetLimits;
  readonly keep: { readonly lingerMs: number; readonly snapshotKeepMs: number };
}

/** What is known of a deployed version's start, for whoever deployed it. */
export interface Preparation {
  readonly init: InitReport | null;
  /** Why instances can't be forked, or null. */
  readonly unforkable: string | null;
}

/** An instance that has been ordered. */
interface Birth {
  readonly spec: InstanceSpec;
  readonly lines: InstanceLines;
  /** Monotonic. */
  readonly orderedAtMs: number;
  readonly explain: Explain;
}

const MIB = 1024 * 1024;

/** The instances of this machine: started, kept, stopped, ended. Dispatch asks it as its Worker. */
export class LocalFleet implements Worker {
  readonly #deps: FleetDeps;
  readonly #roster = new Roster();
  readonly #residences = new Map<string, Residence>();
  /** Instances that run without anyone having asked for them yet: kept for `min`, or left by a preparation. */
  readonly #spares = new Map<string, FleetInstance[]>();
  readonly #watches = new Map<FleetInstance, () => void>();
  readonly #model = new MemoryModel();
  readonly #watch: MemoryWatch;
  readonly #keeper: Keeper;
  readonly #observer: StartObserver;
  #pendingBytes = 0;
  #startsUnderWay = 0;
  #roomListeners: (() => void)[] = [];
  #closed = false;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    this.#watch = new MemoryWatch(deps.clock);
    this.#observer = new StartObserver(deps.clock);
    this.#keeper = new Keeper({
      clock: deps.clock,
      keep: deps.keep,
      roster: this.#roster,
      residences: this.#residences,
      addSpare: (version) => this.#addSpare(version),
    });
  }

  get roster(): Roster {
    return this.#roster;
  }

  get residences(): ReadonlyMap<string, Residence> {
    return this.#residences;
  }

  admit(version: FunctionVersion): Admission {
    if ((this.#spares.get(version.revisionId)?.length ?? 0) > 0) return 'now';
    const estimateBytes = this.#estimate(version);
    const availableBytes = this.#deps.memory.availableBytes();
    const verdict = admit({
      availableBytes,
      reserveBytes: this.#deps.limits.reserveBytes,
      pendingBytes: this.#pendingBytes,
      estimateBytes,
      instances: this.#roster.count,
      maxInstances: this.#deps.limits.instances,
      startsUnderWay: this.#startsUnderWay,
      startsAtOnce: this.#deps.limits.startsAtOnce,
    });
    if (verdict === 'full') this.#evictFor(version, estimateBytes);
    return verdict;
  }

  async start(version: FunctionVersion): Promise<FleetInstance> {
    const spare = this.#takeSpare(version.revisionId);
    if (spare !== null) return spare;
    return this.#charged(version, () => this.#start(version, false));
  }

  onRoom(listener: () => void): void {
    this.#roomListeners.push(listener);
  }

  /** The version serves from now on: its instances are kept, also its minimum of them. */
  serve(version: FunctionVersion): void {
    this.#keeper.serve(version);
  }

  /** The version serves and, where it asks for it, its snapshot is made now. Rejects with InitFailure. */
  async deploy(version: FunctionVersion): Promise<Preparation> {
    this.serve(version);
    const residence = this.#residence(version);
    if (version.snapshot === 'onDeploy' && residence.state.kind === 'nothing') {
      const instance = await this.#charged(version, () => this.#prepare(version, residence));
      if (instance !== null) this.#putSpare(instance);
    }
    return preparation(residence);
  }

  /** The revision no longer serves: its snapshot goes, idle instances end, busy ones end when they fall idle. */
  async retire(revisionId: string): Promise<void> {
    this.#keeper.retire(revisionId);
    this.#spares.delete(revisionId);
    this.#model.forget(revisionId);
    this.#observer.forget(revisionId);
    const residence = this.#residences.get(revisionId);
    this.#residences.delete(revisionId);
    await Promise.all([residence?.retire(), ...this.endIdle(revisionId)]);
  }

  /** Ends a version's idle instances; one promise for each. */
  endIdle(revisionId: string): Promise<unknown>[] {
    this.#spares.delete(revisionId);
    return [...this.#roster.of(revisionId)].filter((i) => i.state === 'idle' || i.state === 'paused').map((i) => i.kill());
  }

  /** Ends everything, busy or not. Drivers are closed by whoever made them. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#keeper.close();
    this.#watch.close();
    await Promise.all([...this.#roster.all()].map((i) => i.kill()));
    await Promise.all([...this.#residences.values()].map((r) => r.retire()));
  }

  #residence(version: FunctionVersion): Residence {
    let residence = this.#residences.get(version.revisionId);
    if (residence === undefined) {
      residence = new Residence(version, this.#driver(version), this.#deps.clock);
      this.#residences.set(version.revisionId, residence);
    }
    return residence;
  }

  #driver(version: FunctionVersion): Driver {
    return this.#deps.provision.driver(version.runtime);
  }

  #estimate(version: FunctionVersion): number {
    const kind = this.#residences.get(version.revisionId)?.state.kind;
    return this.#model.estimate(version, kind === 'snapshot');
  }

  async #charged<T>(version: FunctionVersion, work: () => Promise<T>): Promise<T> {
    const charge = this.#estimate(version);
    this.#pendingBytes += charge;
    this.#startsUnderWay++;
    try {
      return await work();
    } finally {
      this.#pendingBytes -= charge;
      this.#startsUnderWay--;
      this.#room();
    }
  }

  async #start(version: FunctionVersion, keptReady: boolean): Promise<FleetInstance> {
    const residence = this.#residence(version);
    const { spec, ...birth } = this.#birth(version, keptReady);
    const startSpec = () => this.#deps.provision.startSpec(version, { logStream: spec.logStream, onDemand: true });
    const started = await residence.start(startSpec, spec);
    return this.#adopt(version, started, { spec, ...birth });
  }

  async #prepare(version: FunctionVersion, residence: Residence): Promise<FleetInstance | null> {
    const { spec, ...birth } = this.#birth(version, true);
    const startSpec = () => this.#deps.provision.startSpec(version, { logStream: spec.logStream, onDemand: false });
    const first = await residence.prepare(startSpec, spec);
    if (first === null) return null;
    const { rung, init, steps } = first;
    return this.#adopt(version, { instance: first, rung, init, initBilled: false, steps, found: { kind: 'new' } }, { spec, ...birth });
  }

  /** What an instance is given, and what is noted as it is ordered. */
  #birth(version: FunctionVersion, keptReady: boolean): Birth {
    const id = this.#deps.ids.uuid();
    const logStream = logStreamName(version, id, this.#deps.clock.now());
    const log = this.#deps.provision.log(version, logStream);
    const lines = new InstanceLines((requestId, text) => log.line(requestId, text));
    const explain = this.#observer.ordered(version, this.#roster.of(version.revisionId).size, keptReady);
    return { spec: { instanceId: id, logStream, log: lines }, lines, orderedAtMs: this.#deps.clock.monotonic(), explain };
  }

  #adopt(version: FunctionVersion, started: Started, born: Birth): FleetInstance {
    const { orderedAtMs } = born;
    const { rung, init, initBilled, steps } = started;
    const startMs = this.#deps.clock.monotonic() - orderedAtMs;
    const options = {
      id: born.spec.instanceId,
      version,
      start: { rung, startMs, init, initBilled, orderedAtMs, steps, reason: born.explain(started.found) },
      startedAtMs: this.#deps.clock.now(),
      logStream: born.spec.logStream,
      lines: born.lines,
    };
    const instance = new FleetInstance(started.instance, options, {
      becameIdle: (i) => this.#becameIdle(i),
      becameBusy: (i) => this.#becameBusy(i),
      ended: (i) => this.#ended(i),
    });
    this.#roster.add(instance);
    if (this.#closed) void instance.kill();
    return instance;
  }

  #becameIdle(instance: FleetInstance): void {
    this.#unwatch(instance);
    instance.idleSinceMs = this.#deps.clock.monotonic();
    instance.idleAtMs = this.#deps.clock.now();
    this.#roster.rest(instance, true);
    void this.#model.observe(instance);
    this.#keeper.rested(instance);
  }

  #becameBusy(instance: FleetInstance): void {
    instance.idleAtMs = null;
    this.#roster.rest(instance, false);
    if (instance.pid === null) return;
    const limitBytes = instance.version.memoryMb * MIB;
    this.#watches.set(instance, this.#watch.add({ pid: instance.pid, limitBytes, exceeded: () => void instance.kill() }));
  }

  #unwatch(instance: FleetInstance): void {
    this.#watches.get(instance)?.();
    this.#watches.delete(instance);
  }

  #ended(instance: FleetInstance): void {
    this.#unwatch(instance);
    this.#roster.remove(instance);
    if (this.#residences.has(instance.version.revisionId)) this.#observer.ended(instance.version.revisionId);
    const spares = this.#spares.get(instance.version.revisionId);
    if (spares?.includes(instance) === true) spares.splice(spares.indexOf(instance), 1);
    this.#room();
  }

  #takeSpare(revisionId: string): FleetInstance | null {
    const spares = this.#spares.get(revisionId);
    for (let spare = spares?.pop(); spare !== undefined; spare = spares?.pop()) if (spare.alive) return spare;
    return null;
  }

  #putSpare(instance: FleetInstance): void {
    const spares = this.#spares.get(instance.version.revisionId);
    if (spares === undefined) this.#spares.set(instance.version.revisionId, [instance]);
    else spares.push(instance);
    instance.idle();
    this.#room();
  }

  async #addSpare(version: FunctionVersion): Promise<void> {
    this.#putSpare(await this.#charged(version, () => this.#start(version, true)));
  }

  #evictFor(version: FunctionVersion, bytes: number): void {
    const now = this.#deps.clock.monotonic();
    const others = [...this.#roster.resting].filter((i) => i.version.revisionId !== version.revisionId && this.#mayGive(i));
    const chosen = new Set(
      makeRoom(
        others.map((i) => ({ id: i.id, idleForMs: now - i.idleSinceMs, bytes: this.#model.estimate(i.version, i.start.init === null) })),
        bytes,
      ),
    );
    for (const i of others) if (chosen.has(i.id)) void i.kill();
  }

  #mayGive(instance: FleetInstance): boolean {
    return this.#roster.of(instance.version.revisionId).size > instance.version.scaling.min;
  }

  #room(): void {
    for (const listener of this.#roomListeners) listener();
  }
}

function preparation(residence: Residence): Preparation {
  const { state } = residence;
  if (state.kind === 'snapshot') return { init: state.snapshot.init, unforkable: null };
  if (state.kind === 'plain') return { init: state.init, unforkable: state.reason };
  return { init: null, unforkable: null };
}
