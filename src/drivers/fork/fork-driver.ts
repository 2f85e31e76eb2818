import type { Driver, DriverInstance, DriverSnapshot, InstanceSpec, Prepared, ResidentRuntime, StartSpec } from '../../fleet/driver.ts';
import { HearthError } from '../../errors.ts';
import type { Step } from '../../model/waterfall.ts';
import { parseRuntime } from '../../runtimes/catalogue.ts';
import { encodeJsonFrame } from '../../runtimes/frames.ts';
import { Frame, PROTOCOL_VERSION } from '../../runtimes/protocol.ts';
import type { Welcome } from '../../runtimes/protocol.ts';
import { confinement, needsTemporary } from '../../sandbox/confinement.ts';
import { asOne, firstOf } from './birth-steps.ts';
import { hostname } from './confine-function.ts';
import { Forker } from './forker.ts';
import { FunctionProcesses, type Initialised } from './function-processes.ts';
import { runInit } from './init-phase.ts';
import { endLeftBehind } from './left-behind.ts';
import { ForkInstance, type Birth } from './instance.ts';
import { RESTORE_LIMIT_MS } from './options.ts';
import type { ForkDriverOptions } from './options.ts';
import { Processes } from './processes.ts';
import type { Newborn } from './processes.ts';
import { Programs } from './programs.ts';
import { ForkSnapshot } from './snapshot.ts';
import { Zygotes, whyNoFork } from './zygotes.ts';

const WELCOME_INSTANCE = encodeJsonFrame(Frame.welcome, 0, { protocol: PROTOCOL_VERSION, role: 'instance' } satisfies Welcome);

/** Runs Node.js and Python functions in processes of this machine, forked from an initialised parent wherever that is safe. */
export class ForkDriver implements Driver {
  readonly name = 'fork';
  /** Starts custom runtimes, for the driver that serves them. */
  readonly programs: Programs;
  readonly #options: ForkDriverOptions;
  readonly #processes: Processes;
  readonly #zygotes: Zygotes;
  readonly #functions: FunctionProcesses;
  readonly #instances = new Set<ForkInstance>();
  #closing: Promise<void> | null = null;

  private constructor(options: ForkDriverOptions) {
    this.#options = options;
    this.#processes = new Processes(options);
    this.#zygotes = new Zygotes(this.#processes);
    this.programs = new Programs(this.#processes, this.#zygotes);
    this.#functions = new FunctionProcesses(this.#processes, this.#zygotes, this.programs);
  }

  /** Opens the sockets, once what a killed server left has been ended. Nothing is started until a function is. */
  static async open(options: ForkDriverOptions): Promise<ForkDriver> {
    const driver = new ForkDriver(options);
    const { switchboard } = driver.#processes;
    const left = await endLeftBehind(switchboard.socketPath, options.clock);
    if (left > 0) options.warn(`${left} processes of functions were left by a server that was killed, and have been ended`);
    await switchboard.open();
    driver.#processes.temporaries.sweep();
    return driver;
  }

  supports(runtime: string): boolean {
    return parseRuntime(runtime) !== null;
  }

  unforkable(runtime: string): string | null {
    const name = parseRuntime(runtime);
    if (name === null) return `${runtime} is none of this driver's runtimes`;
    return whyNoFork(name.language, this.#options.abilities.linux);
  }

  /** What functions lack of the sandbox that this machine can give, as far as that has been seen, in words; empty where everything is forked. */
  gaps(): string[] {
    const custom = 'custom runtimes and extensions run unconfined: no process can be forked that would confine them';
    return [...this.#functions.gaps, ...(this.#zygotes.unforkable('node') === null ? [] : [custom])];
  }

  async prepare(spec: StartSpec, first: InstanceSpec): Promise<Prepared> {
    const made = await this.#functions.initialise(spec, first, true);
    const { newborn, rung, init, steps, needed, restores } = made;
    if (init.unforkable !== null) {
      const passing = made.plain !== null && this.unforkable(spec.version.runtime) === null;
      return { kind: 'instance', reason: init.unforkable, passing, instance: this.#serve(made) };
    }
    const snapshot = new ForkSnapshot(new Forker(this.#processes, newborn), {
      rung,
      init,
      steps,
      origin: { version: spec.version, needed, restores },
    });
    void snapshot.gone.then(made.cleanUp);
    return { kind: 'snapshot', snapshot };
  }

  async fork(snapshot: DriverSnapshot, instance: InstanceSpec): Promise<DriverInstance> {
    if (!(snapshot instanceof ForkSnapshot)) throw new HearthError('ServiceException', "the snapshot is another driver's");
    const { abilities } = this.#options;
    const { version, needed } = snapshot.origin;
    const { temporaries } = this.#processes;
    const temporary = needsTemporary('instance', abilities) ? temporaries.make(version.functionId, instance.instanceId) : null;
    const cleanUp = (): void => temporary?.remove();
    const confine = confinement({
      kind: 'instance',
      abilities,
      needed,
      ephemeralStorageMb: version.ephemeralStorageMb,
      hostname: hostname(version.name, instance.instanceId),
      temporary: temporary?.path ?? '',
    });
    try {
      const { scaling } = version;
      const newborn = await snapshot.forker.fork({
        confine,
        logStream: instance.logStream,
        sink: instance.log,
        concurrency: scaling.concurrency,
        practised: false,
        of: 'instance',
      });
      const forkedSteps = snapshot.forked ? newborn.steps : firstOf('snapshot', newborn.steps, 'freeze');
      snapshot.forked = true;
      const restored = snapshot.origin.restores ? await this.#restore(newborn, instance) : null;
      const birth: Birth = {
        rung: 'snapshot',
        init: null,
        steps: restored === null ? forkedSteps : [...forkedSteps, ...restored],
        welcome: restored === null ? WELCOME_INSTANCE : null,
        cleanUp,
      };
      return this.#keep(new ForkInstance(this.#processes, newborn, birth));
    } catch (error) {
      cleanUp();
      throw error;
    }
  }

  /** Welcomes an instance and waits until its after-restore hooks have run. Rejects with InitFailure; then nothing is left of it. */
  async #restore(newborn: Newborn, { instanceId }: InstanceSpec): Promise<readonly Step[]> {
    const limitMs = this.#options.restoreMs ?? RESTORE_LIMIT_MS;
    const order = { welcome: WELCOME_INSTANCE, limitMs, requestId: instanceId, of: 'instance' } as const;
    return asOne('instance', 'restore', (await runInit(this.#processes, newborn, order)).steps);
  }

  async start(spec: StartSpec, instance: InstanceSpec): Promise<DriverInstance> {
    return this.#serve(await this.#functions.initialise(spec, instance, false));
  }

  runtimes(): Promise<readonly ResidentRuntime[]> {
    return this.#zygotes.resident();
  }

  evictRuntimes(): Promise<number> {
    return this.#zygotes.evict();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#processes.supervisor.close();
    await Promise.all([...this.#instances].map((instance) => instance.exited));
    await this.#processes.temporaries.close();
    await this.#processes.switchboard.close();
  }

  #serve({ newborn, rung, init, steps, cleanUp }: Initialised): ForkInstance {
    this.#processes.supervisor.unpin(newborn.pid); // the init phase had one CPU
    return this.#keep(new ForkInstance(this.#processes, newborn, { rung, init, steps, welcome: null, cleanUp }));
  }

  #keep(instance: ForkInstance): ForkInstance {
    this.#instances.add(instance);
    void instance.exited.then(() => this.#instances.delete(instance));
    return instance;
  }
}
