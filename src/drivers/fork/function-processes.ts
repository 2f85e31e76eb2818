import { HearthError } from '../../errors.ts';
import { InitFailure } from '../../fleet/driver.ts';
import type { InstanceSpec, StartSpec } from '../../fleet/driver.ts';
import type { InitReport, Rung } from '../../model/instance.ts';
import type { Step } from '../../model/waterfall.ts';
import { InterpreterNotFound } from '../../runtimes/catalogue.ts';
import type { Interpreter } from '../../runtimes/interpreters.ts';
import { needsTemporary } from '../../sandbox/confinement.ts';
import { functionIds } from '../../sandbox/ids.ts';
import type { LoopbackUse } from '../../sandbox/loopback/loopbacks.ts';
import { firstOf } from './birth-steps.ts';
import { confineFunction, confineSpawned } from './confine-function.ts';
import { functionWelcome, runInit } from './init-phase.ts';
import { cpuMsOfFamily } from './process-figures.ts';
import type { Newborn, Processes } from './processes.ts';
import type { Programs } from './programs.ts';
import { neededPaths, real } from './surroundings.ts';
import { startWrapped } from './wrapped.ts';
import { WRAPPED, wrapperOf } from './wrapper.ts';
import { whyNoFork, type Zygotes } from './zygotes.ts';

/** A process that has run its init phase. */
export interface Initialised {
  readonly newborn: Newborn;
  readonly rung: Rung;
  readonly init: InitReport;
  readonly restores: boolean;
  readonly steps: readonly Step[];
  /** Paths that it needs to see, and what is forked from it. */
  readonly needed: readonly string[];
  /** Why neither it was forked nor anything can be from it, by the machine's doing; else null. */
  readonly plain: string | null;
  /** To be called once it is gone. */
  readonly cleanUp: () => void;
}

/** How a process came to be that waits to become a function. */
interface Born {
  readonly newborn: Newborn;
  readonly rung: Rung;
  readonly before: readonly Step[];
  /** Why it was not forked; null: it was, or its wrapper script started it. */
  readonly plain: string | null;
}

interface Order {
  readonly spec: StartSpec;
  readonly instance: InstanceSpec;
  readonly needed: readonly string[];
  readonly of: 'snapshot' | 'instance';
  readonly loopback: LoopbackUse | null;
}

/** Makes the processes that run functions: forked from a runtime's zygote, spawned where nothing can be forked, or started by a wrapper script; and runs their init phases. */
export class FunctionProcesses {
  readonly #processes: Processes;
  readonly #zygotes: Zygotes;
  readonly #programs: Programs;
  /** What processes that could not be forked lack of their sandbox. */
  readonly #gaps = new Set<string>();
  #turn = 0;

  constructor(processes: Processes, zygotes: Zygotes, programs: Programs) {
    this.#processes = processes;
    this.#zygotes = zygotes;
    this.#programs = programs;
  }

  /** What processes that could not be forked turned out to lack of the sandbox, in words. */
  get gaps(): readonly string[] {
    return [...this.#gaps];
  }

  /** Makes a process for the function and runs its init phase in it; `snapshot`: to fork from, where that is safe. Rejects with InitFailure, and then nothing is left of it. */
  async initialise(spec: StartSpec, instance: InstanceSpec, snapshot: boolean): Promise<Initialised> {
    const { abilities, answerBytes, loopbacks } = this.#processes.options;
    const { temporaries } = this.#processes;
    const interpreter = await this.#interpreter(spec.version.runtime);
    const wrapper = wrapperOf(spec.version); // what it starts is a program, which is given a directory and a loopback
    const ownTemporary = wrapper === null && needsTemporary('function', abilities);
    const temporary = ownTemporary ? temporaries.make(spec.version.functionId, instance.instanceId) : null;
    const loopback = wrapper === null ? (loopbacks?.enter(instance.instanceId) ?? null) : null;
    const cleanUp = (): void => {
      temporary?.remove();
      loopback?.release();
    };
    try {
      const needed = neededPaths(this.#processes.options, interpreter, spec);
      const of = snapshot ? 'snapshot' : 'instance';
      const taskRoot = real(spec.taskRoot) ?? spec.taskRoot;
      const environment = { ...spec.environment, LAMBDA_TASK_ROOT: taskRoot, ...(temporary === null ? {} : { TMPDIR: temporary.path }) };
      const { newborn, rung, before, plain } =
        wrapper === null
          ? await this.#function(interpreter, { spec, instance, needed, of, loopback })
          : await this.#wrapped({ wrapper, interpreter, spec, instance, environment });
      const forks = newborn.hello.capabilities.includes('fork');
      const welcome = functionWelcome({ ...spec, environment }, instance, {
        snapshot: snapshot && forks && abilities.linux && wrapper === null,
        wrapped: wrapper !== null,
        taskRoot,
        answerBytes,
      });
      const order = { welcome, limitMs: spec.initTimeoutMs, requestId: instance.instanceId, of } as const;
      spec.initRuns?.(() => cpuMsOfFamily(newborn.pid));
      const { init, steps, restores } = await runInit(this.#processes, newborn, order).catch((error: unknown) => {
        throw error instanceof InitFailure ? Object.assign(error, { rung, steps: [...before, ...newborn.steps] }) : error;
      });
      const machines = forks ? null : plain;
      const unforkable = wrapper === null ? (machines ?? init.unforkable) : WRAPPED;
      const all = [...before, ...newborn.steps, ...steps];
      return { newborn, rung, init: { ...init, unforkable }, steps: all, restores, needed, plain: machines, cleanUp };
    } catch (error) {
      cleanUp();
      throw error;
    }
  }

  /** A process that waits to become the function, started by the function's wrapper script. */
  async #wrapped(o: Parameters<typeof startWrapped>[2]): Promise<Born> {
    const newborn = await startWrapped(this.#processes, this.#programs, o);
    if (newborn !== null) return { newborn, rung: 'disk', before: [], plain: null };
    throw new HearthError(
      'ServiceException',
      'AWS_LAMBDA_EXEC_WRAPPER: wrapper scripts are confined by a Node.js process that is forked for them, and none can be forked here; remove the variable',
    );
  }

  /** A process that waits to become the function: forked from the runtime's zygote or, where nothing can be forked, spawned. */
  async #function(interpreter: Interpreter, o: Order): Promise<Born> {
    const never = whyNoFork(interpreter.language, this.#processes.options.abilities.linux);
    if (never !== null) return this.#spawned(interpreter, o, never);
    const { spec, instance, needed, of, loopback } = o;
    const forked = await this.#zygotes.fork(interpreter, {
      confine: confineFunction(this.#processes.options, spec, { needed, initCpu: of === 'snapshot' ? this.#nextCpu() : null, loopback }),
      logStream: instance.logStream,
      sink: instance.log,
      concurrency: spec.version.scaling.concurrency,
      of,
      practised: !spec.onDemand,
    });
    if (typeof forked === 'string') return this.#spawned(interpreter, o, forked);
    const { newborn, before } = forked;
    if (before === null) return { newborn, rung: 'zygote', before: [], plain: null };
    return { newborn: { ...newborn, steps: firstOf('runtime', newborn.steps, 'rehearse') }, rung: 'disk', before, plain: null };
  }

  /** The same where nothing can be forked; `plain` says why. */
  async #spawned(interpreter: Interpreter, o: Order, plain: string): Promise<Born> {
    const { spec, instance, of } = o;
    const { steps: confine, lacks } = confineSpawned(this.#processes.options, spec, o);
    const awaited = this.#processes.await(instance.log, spec.version.scaling.concurrency, of);
    const ids = confine.length > 0 ? null : this.#ids(spec); // one of the steps takes them
    const newborn = await this.#zygotes.spawn(interpreter, { log: true, awaited, confine, ids });
    for (const gap of [...newborn.hello.unconfined, ...(lacks === null ? [] : [lacks])]) this.#lacking(gap);
    return { newborn, rung: 'disk', before: [], plain };
  }

  #lacking(what: string): void {
    const gap = `functions whose processes can't be forked run without a part of their sandbox: ${what}`;
    this.#gaps.add(gap);
    this.#processes.warnOnce(gap);
  }

  /** For the init phase of a snapshot: one after the other. */
  #nextCpu(): number | null {
    const { cpus } = this.#processes.options.abilities;
    return cpus.length > 1 ? cpus[this.#turn++ % cpus.length]! : null;
  }

  #ids({ version }: StartSpec): { uid: number; gid: number } | null {
    const { root, ids } = this.#processes.options.abilities;
    return root && ids !== null ? functionIds(version.functionId, ids) : null;
  }

  async #interpreter(runtime: string): Promise<Interpreter> {
    try {
      return await this.#processes.options.catalogue.resolve(runtime);
    } catch (error) {
      if (!(error instanceof InterpreterNotFound)) throw error;
      const errorType = 'Runtime.InterpreterNotFound';
      throw new InitFailure(errorType, Buffer.from(JSON.stringify({ errorType, errorMessage: error.message })), 0);
    }
  }
}
