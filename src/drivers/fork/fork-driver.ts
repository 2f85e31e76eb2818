import { InitFailure } from '../../fleet/driver.ts';
import type { Driver, DriverInstance, DriverSnapshot, InstanceSpec, Prepared, ResidentRuntime, StartSpec } from '../../fleet/driver.ts';
import { HearthError } from '../../errors.ts';
import type { InitReport, Rung } from '../../model/instance.ts';
import type { Step } from '../../model/waterfall.ts';
import { InterpreterNotFound, parseRuntime } from '../../runtimes/catalogue.ts';
import { encodeJsonFrame } from '../../runtimes/frames.ts';
import type { Interpreter } from '../../runtimes/interpreters.ts';
import { Frame, PROTOCOL_VERSION } from '../../runtimes/protocol.ts';
import type { Welcome } from '../../runtimes/protocol.ts';
import { confinement, needsTemporary } from '../../sandbox/confinement.ts';
import type { LoopbackUse } from '../../sandbox/loopback/loopbacks.ts';
import { functionIds } from '../../sandbox/ids.ts';
import { firstOf } from './birth-steps.ts';
import { confineFunction, confineSpawned, hostname } from './confine-function.ts';
import { functionWelcome, runInit } from './init-phase.ts';
import { ForkInstance, type Birth } from './instance.ts';
import { Forker } from './forker.ts';
import { RESTORE_LIMIT_MS } from './options.ts';
import type { ForkDriverOptions } from './options.ts';
import { Processes } from './processes.ts';
import { Programs } from './programs.ts';
import type { Newborn } from './processes.ts';
import { ForkSnapshot } from './snapshot.ts';
import { neededPaths, real } from './surroundings.ts';
import { startWrapped } from './wrapped.ts';
import { WRAPPED, wrapperOf } from './wrapper.ts';
import { Zygotes, whyNoFork } from './zygotes.ts';

const WELCOME_INSTANCE = encodeJsonFrame(Frame.welcome, 0, { protocol: PROTOCOL_VERSION, role: 'instance' } satisfies Welcome);

/** A process that has run its init phase. */
interface Initialised {
  readonly newborn: Newborn;
  readonly rung: Rung;
  readonly init: InitReport;
  readonly restores: boolean;
  readonly steps: readonly Step[];
  readonly needed: readonly string[];
  /** Why neither it was forked nor anything can be from it, by the machine's doing; else null. */
  readonly plain: string | null;
  readonly cleanUp: () => void;
}

/** How a process came to be that waits to become a function. */
interface Born {
  readonly newborn: Newborn;
  readonly rung: Rung;
  readonly before: readonly Step[];
  /** See Initialised. */
  readonly plain?: string | null;
}

/** Runs Node.js and Python functions in processes of this machine, forked from an initialised parent wherever that is safe. */
export class ForkDriver implements Driver {
  readonly name = 'fork';
  /** Starts custom runtimes, for the driver that serves them. */
  readonly programs: Programs;
  readonly #options: ForkDriverOptions;
  readonly #processes: Processes;
  readonly #zygotes: Zygotes;
  readonly #instances = new Set<ForkInstance>();
  /** What processes that could not be forked lack of their sandbox. */
  readonly #gaps = new Set<string>();
  #turn = 0;
  #closing: Promise<void> | null = null;

  private constructor(options: ForkDriverOptions) {
    this.#options = options;
    this.#processes = new Processes(options);
    this.#zygotes = new Zygotes(this.#processes);
    this.programs = new Programs(this.#processes, this.#zygotes);
  }

  /** Opens the sockets. Nothing is started until a function is. */
  static async open(options: ForkDriverOptions): Promise<ForkDriver> {
    const driver = new ForkDriver(options);
    await driver.#processes.switchboard.open();
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
    return [...this.#gaps, ...(this.#zygotes.unforkable('node') === null ? [] : [custom])];
  }

  async prepare(spec: StartSpec, first: InstanceSpec): Promise<Prepared> {
    const made = await this.#initialise(spec, first, true);
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
    return (await runInit(this.#processes, newborn, order)).steps;
  }

  async start(spec: StartSpec, instance: InstanceSpec): Promise<DriverInstance> {
    return this.#serve(await this.#initialise(spec, instance, false));
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

  /** Makes a process for the function and runs its init phase in it. */
  async #initialise(spec: StartSpec, instance: InstanceSpec, snapshot: boolean): Promise<Initialised> {
    const interpreter = await this.#interpreter(spec.version.runtime);
    const { abilities } = this.#options;
    const own = wrapperOf(spec.version) !== null; // started as a program, which is given one
    const { temporaries } = this.#processes;
    const temporary = !own && needsTemporary('function', abilities) ? temporaries.make(spec.version.functionId, instance.instanceId) : null;
    const loopback = own ? null : (this.#options.loopbacks?.enter(instance.instanceId) ?? null);
    const cleanUp = (): void => {
      temporary?.remove();
      loopback?.release();
    };
    try {
      const needed = neededPaths(this.#options, interpreter, spec);
      const of = snapshot ? 'snapshot' : 'instance';
      const taskRoot = real(spec.taskRoot) ?? spec.taskRoot;
      const environment = { ...spec.environment, LAMBDA_TASK_ROOT: taskRoot, ...(temporary === null ? {} : { TMPDIR: temporary.path }) };
      const wrapper = wrapperOf(spec.version);
      const born =
        wrapper === null
          ? await this.#function(interpreter, { spec, instance, needed, of, loopback })
          : await this.#wrapped({ wrapper, interpreter, spec, instance, environment });
      const { newborn, rung, before } = born;
      const forks = newborn.hello.capabilities.includes('fork');
      const plain = forks ? null : (born.plain ?? null);
      const { answerBytes } = this.#options;
      const welcome = functionWelcome({ ...spec, environment }, instance, {
        snapshot: snapshot && forks && abilities.linux && wrapper === null,
        wrapped: wrapper !== null,
        taskRoot,
        answerBytes,
      });
      const order = { welcome, limitMs: spec.initTimeoutMs, requestId: instance.instanceId, of } as const;
      const {
        init: ran,
        steps,
        restores,
      } = await runInit(this.#processes, newborn, order).catch((error: unknown) => {
        throw error instanceof InitFailure ? Object.assign(error, { rung, steps: [...before, ...newborn.steps] }) : error;
      });
      const init = wrapper === null && plain === null ? ran : { ...ran, unforkable: plain ?? WRAPPED };
      return { newborn, rung, init, steps: [...before, ...newborn.steps, ...steps], restores, needed, plain, cleanUp };
    } catch (error) {
      cleanUp();
      throw error;
    }
  }

  /** A process that waits to become the function, started by the function's wrapper script. */
  async #wrapped(o: Parameters<typeof startWrapped>[2]): Promise<Born> {
    const newborn = await startWrapped(this.#processes, this.programs, o);
    if (newborn !== null) return { newborn, rung: 'disk', before: [] };
    throw new HearthError(
      'ServiceException',
      'AWS_LAMBDA_EXEC_WRAPPER: wrapper scripts need Linux, where they can be confined; remove the variable',
    );
  }

  /** A process that waits to become the function: forked from the runtime's zygote or, where nothing can be forked, started. */
  async #function(
    interpreter: Interpreter,
    o: { spec: StartSpec; instance: InstanceSpec; needed: readonly string[]; of: 'snapshot' | 'instance'; loopback: LoopbackUse | null },
  ): Promise<Born> {
    const { concurrency } = o.spec.version.scaling;
    const { of } = o;
    const never = whyNoFork(interpreter.language, this.#options.abilities.linux);
    const plain = async (): Promise<Born> => {
      const awaited = this.#processes.await(o.instance.log, concurrency, of);
      const { steps: confine, lacks } = confineSpawned(this.#options, o.spec, o);
      const newborn = await this.#zygotes.spawn(interpreter, {
        log: true,
        awaited,
        confine,
        ids: confine.length > 0 ? null : this.#ids(o.spec),
      });
      for (const gap of [...newborn.hello.unconfined, ...(lacks === null ? [] : [lacks])]) this.#lacking(gap);
      return { newborn, rung: 'disk', before: [], plain: never ?? this.#zygotes.unforkable(interpreter.language) };
    };
    if (never !== null) return plain();
    const initCpu = of === 'snapshot' ? this.#nextCpu() : null;
    const confine = confineFunction(this.#options, o.spec, { needed: o.needed, initCpu, loopback: o.loopback });
    const practised = !o.spec.onDemand;
    const order = { confine, logStream: o.instance.logStream, sink: o.instance.log, concurrency, of, practised };
    const forked = await this.#zygotes.fork(interpreter, order);
    if (forked === null) return plain();
    const { newborn, before } = forked;
    if (before === null) return { newborn, rung: 'zygote', before: [] };
    return { newborn: { ...newborn, steps: firstOf('runtime', newborn.steps, 'rehearse') }, rung: 'disk', before };
  }

  #lacking(what: string): void {
    const gap = `functions whose processes can't be forked run without a part of their sandbox: ${what}`;
    this.#gaps.add(gap);
    this.#processes.warnOnce(gap);
  }

  /** For the init phase of a snapshot: one after the other. */
  #nextCpu(): number | null {
    const { cpus } = this.#options.abilities;
    return cpus.length > 1 ? cpus[this.#turn++ % cpus.length]! : null;
  }

  #ids({ version }: StartSpec): { uid: number; gid: number } | null {
    const { root, ids } = this.#options.abilities;
    return root && ids !== null ? functionIds(version.functionId, ids) : null;
  }

  async #interpreter(runtime: string): Promise<Interpreter> {
    try {
      return await this.#options.catalogue.resolve(runtime);
    } catch (error) {
      if (!(error instanceof InterpreterNotFound)) throw error;
      const errorType = 'Runtime.InterpreterNotFound';
      throw new InitFailure(errorType, Buffer.from(JSON.stringify({ errorType, errorMessage: error.message })), 0);
    }
  }
}
