import { join } from 'node:path';
import type { Socket } from 'node:net';
import type { StartSpec } from '../../fleet/driver.ts';
import { HearthError } from '../../errors.ts';
import type { ExitStatus } from '../../model/instance.ts';
import type { Interpreter } from '../../runtimes/interpreters.ts';
import { decodeJson, encodeJsonFrame } from '../../runtimes/frames.ts';
import { Frame, PROTOCOL_VERSION } from '../../runtimes/protocol.ts';
import type { Welcome } from '../../runtimes/protocol.ts';
import { functionIds } from '../../sandbox/ids.ts';
import type { LoopbackUse } from '../../sandbox/loopback/loopbacks.ts';
import { needsTemporary } from '../../sandbox/confinement.ts';
import { listenForOutputs } from '../../supervisor/program-outputs.ts';
import { confineFunction } from './confine-function.ts';
import type { Newborn, Processes } from './processes.ts';
import { neededPaths, real } from './surroundings.ts';
import type { Temporary } from './temporaries.ts';
import { whyNoFork, type Zygotes } from './zygotes.ts';

/** A custom runtime to start. */
export interface ProgramToStart {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly spec: StartSpec;
  readonly instanceId: string;
  /** The instance whose loopback it shares, where that is not its own id. */
  readonly loopbackOf?: string;
  /** What it has to see beside what every custom runtime does. */
  readonly needed?: readonly string[];
}

/** A custom runtime that runs. */
export interface StartedProgram {
  readonly pid: number;
  /** Its function's own user; null: the server's. */
  readonly uid: number | null;
  readonly stdout: Socket;
  readonly stderr: Socket;
  readonly exited: Promise<ExitStatus>;
}

/**
 * Starts custom runtimes confined like every function: a Node.js zygote forks a process, which confines itself and then becomes the program.
 * That takes milliseconds, where starting something that confines and executes would cost as much as a runtime.
 */
export class Programs {
  readonly #processes: Processes;
  readonly #zygotes: Zygotes;

  constructor(processes: Processes, zygotes: Zygotes) {
    this.#processes = processes;
    this.#zygotes = zygotes;
  }

  /**
   * Null when nothing can be forked here. Rejects with the system's error (`ENOENT`, `EACCES`, `ENOEXEC`) when the program can't be executed, with
   * HearthError ServiceException when the process could not be made.
   */
  async spawn(program: ProgramToStart): Promise<StartedProgram | null> {
    const { options } = this.#processes;
    if (whyNoFork('node', options.abilities.linux) !== null) return null;
    const interpreter = await options.catalogue.resolve(`nodejs${process.versions.node.split('.')[0]}.x`).catch(() => null);
    if (interpreter === null) return null;
    const { spec, instanceId } = program;
    const { root, ids } = options.abilities;
    const user = root && ids !== null ? functionIds(spec.version.functionId, ids) : null;
    const outputs = await listenForOutputs(join(options.runDirectory, `out-${options.ids.uuid().slice(0, 13)}`), user);
    let temporary: Temporary | null = null;
    let loopback: LoopbackUse | null = null;
    const cleanUp = (): void => {
      temporary?.remove();
      loopback?.release();
    };
    try {
      loopback = options.loopbacks?.enter(program.loopbackOf ?? instanceId) ?? null;
      if (needsTemporary('function', options.abilities)) temporary = this.#processes.temporaries.make(spec.version.functionId, instanceId);
      const confine = confineFunction(options, spec, {
        needed: [...this.#needed(interpreter, spec), ...(program.needed ?? []).flatMap((path) => real(path) ?? [])],
        initCpu: null,
        loopback,
      });
      const order = { confine, logStream: null, sink: SILENT, concurrency: 1, practised: false, of: 'instance' } as const;
      const forked = await this.#zygotes.fork(interpreter, order);
      if (typeof forked === 'string') {
        cleanUp();
        return null;
      }
      const { newborn } = forked;
      // Of a process that became a program, the kernel's figure begins with what it was before.
      const exited = newborn.status.then(({ code, signal }) => (cleanUp(), { code, signal }));
      const env = temporary === null ? program.env : { ...program.env, TMPDIR: temporary.path };
      await this.#execute(newborn, { ...program, env, output: outputs.path });
      const connected = await outputs.connected(options.clock, options.greetingMs);
      if (connected === null) {
        await this.#processes.supervisor.kill(newborn.pid);
        throw new HearthError('ServiceException', `${program.argv[0]}: its process ended before it could run`);
      }
      const [stdout, stderr] = connected;
      return { pid: newborn.pid, uid: user?.uid ?? null, stdout, stderr, exited };
    } catch (error) {
      cleanUp();
      throw error;
    } finally {
      await outputs.close();
    }
  }

  /** Kills a program and everything it started; resolves when it is gone. Idempotent. */
  killTree(pid: number): Promise<void> {
    return this.#processes.supervisor.kill(pid);
  }

  /** The interpreters of this machine stay visible: who knows which of them a bootstrap names. */
  #needed(interpreter: Interpreter, spec: StartSpec): string[] {
    const { options } = this.#processes;
    const roots = options.catalogue.known().flatMap((known) => known.roots);
    return neededPaths(options, { ...interpreter, roots: [...interpreter.roots, ...roots] }, spec);
  }

  /** Resolves when the program runs, which its process says by closing the connection. */
  async #execute(newborn: Newborn, o: Pick<ProgramToStart, 'argv' | 'env' | 'cwd'> & { readonly output: string }): Promise<void> {
    const { argv, env, cwd, output } = o;
    const result = new Promise<Error | 'runs'>((resolve) => {
      newborn.peer.handle((type, _request, payload) => {
        const { errorType, errorMessage } =
          type === Frame.initError ? decodeJson(payload) : { errorType: '', errorMessage: `frame of type ${type}` };
        resolve(Object.assign(new Error(String(errorMessage)), { code: String(errorType) }));
      });
      newborn.peer.onClose(() => resolve('runs'));
    });
    const welcome: Welcome = { protocol: PROTOCOL_VERSION, role: 'program', argv, env, cwd, output };
    newborn.peer.write(encodeJsonFrame(Frame.welcome, 0, welcome));
    const { greetingMs } = this.#processes.options;
    const outcome = await this.#processes.within(result, greetingMs);
    newborn.log.end();
    if (outcome === 'runs') return;
    await this.#processes.supervisor.kill(newborn.pid);
    throw outcome ?? new HearthError('ServiceException', `${argv[0]} was not executed within ${greetingMs} ms`);
  }
}

/** What the shim itself prints before it is another program. */
const SILENT = { line: (): void => {} };
