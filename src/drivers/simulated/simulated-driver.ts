import {
  InitFailure,
  InstanceExited,
  type Answer,
  type Driver,
  type DriverInstance,
  type DriverSnapshot,
  type InstanceSpec,
  type Prepared,
  type StartSpec,
} from '../../fleet/driver.ts';
import type { Clock } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import type { ExitStatus, InitReport, Rung } from '../../model/instance.ts';
import type { Invocation } from '../../model/invocation.ts';
import type { Step, StepOf } from '../../model/waterfall.ts';
import { endOf, writePieces, type Pieces } from './pieces.ts';

/** How a simulated function behaves. Times in milliseconds of the clock it was given. */
export interface Behaviour {
  readonly initMs: number;
  /** Whether its init phase waits for something, and uses no processor; else it uses one. */
  readonly initWaits?: boolean;
  readonly forkMs: number;
  /** From a spawn to a runtime, when no zygote is resident. */
  readonly runtimeMs: number;
  readonly memoryBytes: number;
  /** From taking no more work to being gone; at once, when it is not said. */
  readonly endMs?: number;
  /** What an instance that was forked from a snapshot uses of its own; as much as one that was not, when it is not said. */
  readonly forkedBytes?: number;
  /** Why it can't be forked, or null. */
  readonly unforkable?: string | null;
  /** Thrown by the init phase. */
  readonly initError?: { readonly errorType: string; readonly errorMessage: string } | null;
  /** What the handler does: how long it takes and what it answers; it may exit instead. */
  readonly handler: (invocation: Invocation) => {
    readonly ms: number;
    readonly body?: Buffer;
    readonly errorType?: string;
    readonly exit?: ExitStatus;
    /** Written before `ms` begins to pass, each piece so long after the one before. */
    readonly stream?: Pieces;
  };
}

/** Told of what the driver runs, as it changes. */
export interface SimulationObserver {
  /** `by`: 1 or -1. */
  snapshots(functionName: string, by: number): void;
  instances(functionName: string, by: number): void;
  invocations(functionName: string, by: number): void;
}

const UNOBSERVED: SimulationObserver = { snapshots: () => undefined, instances: () => undefined, invocations: () => undefined };

/** Runs functions that exist only as behaviours: the same contract as the real drivers, on whatever clock it is given. */
export class SimulatedDriver implements Driver {
  readonly name = 'simulated';
  readonly #clock: Clock;
  readonly #behaviour: (functionName: string) => Behaviour;
  readonly #observer: SimulationObserver;
  readonly #alive = new Set<SimulatedInstance>();
  readonly #snapshots = new Set<SimulatedSnapshot>();
  #zygote = false;
  #pids = 1;

  constructor(clock: Clock, behaviour: (functionName: string) => Behaviour, observer: SimulationObserver = UNOBSERVED) {
    this.#clock = clock;
    this.#behaviour = behaviour;
    this.#observer = observer;
  }

  supports(): boolean {
    return true;
  }

  unforkable(runtime: string): string | null {
    return runtime.startsWith('provided') ? 'a custom runtime cannot be forked' : null;
  }

  async prepare(spec: StartSpec, first: InstanceSpec): Promise<Prepared> {
    const { name } = spec.version;
    const behaviour = this.#behaviour(name);
    const { rung, init, steps } = await this.#init(spec, first, 'snapshot');
    if (init.unforkable !== null) {
      const instance = this.#instance(behaviour, { rung, init, steps, log: first, of: name });
      return { kind: 'instance', reason: init.unforkable, instance };
    }
    const snapshot = new SimulatedSnapshot(this.#pids++, { rung, init, steps, behaviour, of: name });
    this.#snapshots.add(snapshot);
    this.#observer.snapshots(name, 1);
    void snapshot.gone.then(() => {
      this.#snapshots.delete(snapshot);
      this.#observer.snapshots(name, -1);
    });
    return { kind: 'snapshot', snapshot };
  }

  async fork(snapshot: DriverSnapshot, instance: InstanceSpec): Promise<DriverInstance> {
    if (!(snapshot instanceof SimulatedSnapshot) || !this.#snapshots.has(snapshot)) throw new Error('the snapshot is gone');
    const atMs = this.#clock.monotonic();
    await this.#wait(snapshot.behaviour.forkMs);
    const steps: Step[] = [{ of: 'instance', name: 'fork', atMs, ms: this.#clock.monotonic() - atMs }];
    return this.#instance(snapshot.behaviour, { rung: 'snapshot', init: null, steps, log: instance, of: snapshot.of });
  }

  async start(spec: StartSpec, instance: InstanceSpec): Promise<DriverInstance> {
    const { rung, init, steps } = await this.#init(spec, instance, 'instance');
    return this.#instance(this.#behaviour(spec.version.name), { rung, init, steps, log: instance, of: spec.version.name });
  }

  async runtimes() {
    return this.#zygote ? [{ runtime: 'simulated', pid: 0, memoryBytes: 0 }] : [];
  }

  async evictRuntimes(): Promise<number> {
    const had = this.#zygote ? 1 : 0;
    this.#zygote = false;
    return had;
  }

  async close(): Promise<void> {
    await Promise.all([...[...this.#alive].map((i) => i.kill()), ...[...this.#snapshots].map((s) => s.evict())]);
  }

  async #init(spec: StartSpec, instance: InstanceSpec, of: StepOf): Promise<{ rung: Rung; init: InitReport; steps: Step[] }> {
    const behaviour = this.#behaviour(spec.version.name);
    const rung: Rung = this.#zygote ? 'zygote' : 'disk';
    const startedMs = this.#clock.monotonic();
    if (!this.#zygote) await this.#wait(behaviour.runtimeMs);
    this.#zygote = true;
    const runtimeMs = this.#clock.monotonic();
    const { initWaits = false } = behaviour;
    spec.initRuns?.(() => (initWaits ? 0 : this.#clock.monotonic() - runtimeMs));
    const late = behaviour.initMs > spec.initTimeoutMs;
    const durationMs = Math.min(behaviour.initMs, spec.initTimeoutMs);
    await this.#wait(durationMs);
    instance.log.line(null, `init of ${spec.version.name}`);
    const error = late ? { errorType: 'Sandbox.Timedout', errorMessage: 'init timed out' } : (behaviour.initError ?? null);
    const spawn: Step = { of: 'runtime', name: 'spawn', atMs: startedMs, ms: runtimeMs - startedMs };
    if (error !== null) {
      const failure = new InitFailure(error.errorType, Buffer.from(JSON.stringify(error)), durationMs);
      throw Object.assign(failure, { rung, steps: [spawn] });
    }
    const steps: Step[] = [spawn, { of, name: 'userInit', atMs: runtimeMs, ms: this.#clock.monotonic() - runtimeMs }];
    return { rung, init: { durationMs, slowestModules: [], unforkable: behaviour.unforkable ?? null }, steps };
  }

  #instance(behaviour: Behaviour, born: Born): SimulatedInstance {
    const instance = new SimulatedInstance(this.#clock, behaviour, { ...born, observer: this.#observer });
    this.#alive.add(instance);
    this.#observer.instances(born.of, 1);
    void instance.exited.then(() => {
      this.#alive.delete(instance);
      this.#observer.instances(born.of, -1);
    });
    return instance;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}

interface Born {
  readonly rung: Rung;
  readonly init: InitReport | null;
  readonly steps: readonly Step[];
  readonly log: InstanceSpec;
  /** The function's name. */
  readonly of: string;
}

class SimulatedSnapshot implements DriverSnapshot {
  readonly pid: number;
  readonly rung: Rung;
  readonly init: InitReport;
  readonly steps: readonly Step[];
  readonly behaviour: Behaviour;
  readonly of: string;
  readonly #gone = deferred<void>();

  constructor(pid: number, made: { rung: Rung; init: InitReport; steps: readonly Step[]; behaviour: Behaviour; of: string }) {
    this.pid = pid;
    this.rung = made.rung;
    this.init = made.init;
    this.steps = made.steps;
    this.behaviour = made.behaviour;
    this.of = made.of;
  }

  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  async memoryBytes(): Promise<number | null> {
    return this.behaviour.memoryBytes;
  }

  inheritedBytes(): number {
    return this.behaviour.memoryBytes;
  }

  async evict(): Promise<void> {
    this.#gone.resolve();
  }
}

class SimulatedInstance implements DriverInstance {
  readonly pid = null;
  readonly rung: Rung;
  readonly init: InitReport | null;
  readonly steps: readonly Step[];
  readonly #clock: Clock;
  readonly #behaviour: Behaviour;
  readonly #log: InstanceSpec;
  readonly #of: string;
  readonly #observer: SimulationObserver;
  readonly #exited = deferred<ExitStatus>();
  readonly #ending = deferred<void>();
  readonly #pending = new Set<(error: InstanceExited) => void>();
  #over = false;

  constructor(clock: Clock, behaviour: Behaviour, born: Born & { readonly observer: SimulationObserver }) {
    this.#of = born.of;
    this.#observer = born.observer;
    this.rung = born.rung;
    this.init = born.init;
    this.steps = born.steps;
    this.#log = born.log;
    this.#clock = clock;
    this.#behaviour = behaviour;
  }

  get exited(): Promise<ExitStatus> {
    return this.#exited.promise;
  }

  get ending(): Promise<void> {
    return this.#ending.promise;
  }

  invoke(invocation: Invocation): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#over) {
        reject(new InstanceExited({ code: null, signal: 'SIGKILL' }));
        return;
      }
      this.#pending.add(reject);
      this.#observer.invocations(this.#of, 1);
      const act = this.#behaviour.handler(invocation);
      const { sink } = invocation;
      const open = (): boolean => this.#pending.has(reject);
      const end = (over: Parameters<typeof endOf>[1]): void => {
        if (!open()) return;
        if (act.exit !== undefined) {
          this.#end(act.exit);
          return;
        }
        this.#pending.delete(reject);
        this.#observer.invocations(this.#of, -1);
        this.#log.log.line(invocation.requestId, 'handled');
        resolve({ ...endOf(act, over), handlerMs: act.ms, peakMemoryBytes: this.#behaviour.memoryBytes, logged: null });
      };
      if (sink === undefined || act.stream === undefined) this.#clock.after(act.ms, () => end('whole'));
      else writePieces(this.#clock, act.stream, { sink, open, end: (over) => this.#clock.after(act.ms, () => end(over)) });
    });
  }

  pause(): void {
    // nothing runs
  }

  resume(): void {
    // nothing was stopped
  }

  holdsMoreThan(): boolean {
    return false; // limits of memory are not simulated
  }

  async memoryBytes(): Promise<number | null> {
    const { memoryBytes, forkedBytes = memoryBytes } = this.#behaviour;
    return this.#over ? null : this.rung === 'snapshot' ? forkedBytes : memoryBytes;
  }

  async kill(): Promise<ExitStatus> {
    this.#end({ code: null, signal: 'SIGKILL' });
    return this.exited;
  }

  #end(status: ExitStatus): void {
    if (this.#over) return;
    this.#over = true;
    this.#ending.resolve();
    for (const reject of this.#pending) {
      this.#observer.invocations(this.#of, -1);
      reject(new InstanceExited(status));
    }
    this.#pending.clear();
    const { endMs = 0 } = this.#behaviour;
    if (endMs === 0) this.#exited.resolve(status);
    else this.#clock.after(endMs, () => this.#exited.resolve(status));
  }
}
