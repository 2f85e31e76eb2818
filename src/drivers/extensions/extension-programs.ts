import type { InstanceSpec, StartSpec } from '../../fleet/driver.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ExitStatus } from '../../model/instance.ts';
import { initFailed } from '../endings.ts';
import { OutputLines } from '../exec/output-lines.ts';
import { signalTree } from '../exec/process-tree.ts';
import type { Program, Spawner } from '../exec/spawner.ts';
import { memoryOfFamily } from '../fork/process-figures.ts';
import type { ExtensionFile } from './find-extensions.ts';

export interface ProgramsDeps {
  readonly spawner: Spawner;
  readonly clock: Clock;
  readonly spec: StartSpec;
  readonly instance: InstanceSpec;
  /** What an extension prints, line by line. */
  readonly printed: (text: string) => void;
  /** One ended without being asked to. */
  readonly died: (name: string, status: ExitStatus) => void;
}

/** Not for extensions: of the function's process alone, as on Lambda. */
const RUNTIME_ONLY = new Set([
  '_HANDLER',
  'LAMBDA_TASK_ROOT',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'NODE_PATH',
  'PYTHONPATH',
]);

interface Running {
  readonly name: string;
  readonly program: Program;
  readonly output: OutputLines;
  over: boolean;
}

/** The processes of one instance's external extensions. */
export class ExtensionPrograms {
  readonly #deps: ProgramsDeps;
  readonly #running: Running[] = [];
  #ending = false;
  #paused = false;

  constructor(deps: ProgramsDeps) {
    this.#deps = deps;
  }

  /** The user that they run as, once started; null: the server's own. */
  get uid(): number | null {
    return this.#running[0]?.program.uid ?? null;
  }

  /** Starts them all, side by side. Rejects with InitFailure when one can't be executed; then `kill` ends the others. */
  async start(files: readonly ExtensionFile[], runtimeApi: string): Promise<void> {
    const { spec } = this.#deps;
    const inherited = Object.entries(spec.environment).filter(([name]) => !RUNTIME_ONLY.has(name));
    const env = { ...Object.fromEntries(inherited), AWS_LAMBDA_RUNTIME_API: runtimeApi };
    const started = await Promise.allSettled(files.map((file, index) => this.#spawn(file, index, env)));
    const failed = started.find((s) => s.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Stops them: they use no CPU until `resume`. */
  pause(): void {
    this.#paused = true;
    for (const { program, over } of this.#running) if (!over) signalTree(program.pid, 'SIGSTOP');
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const { program, over } of this.#running) if (!over) signalTree(program.pid, 'SIGCONT');
  }

  async memoryBytes(): Promise<number> {
    const each = await Promise.all(this.#running.filter((r) => !r.over).map((r) => memoryOfFamily(r.program.pid)));
    return each.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  }

  /** Ends are expected from now on. */
  expectEnds(): void {
    this.#ending = true;
  }

  /** Resolves when those of these names have ended. */
  async ended(names: ReadonlySet<string>): Promise<void> {
    await Promise.all(this.#running.filter((r) => names.has(r.name)).map((r) => r.program.exited));
  }

  /** Kills what is left of all but these, and of what they started; resolves when it is gone. The pid of one that is over may be another process's by now. */
  async kill(except: ReadonlySet<string> = new Set()): Promise<void> {
    this.#ending = true;
    const doomed = this.#running.filter((r) => !except.has(r.name));
    await Promise.all(
      doomed.map(async ({ program, output, over }) => {
        if (!over) await this.#deps.spawner.killTree(program.pid);
        await output.end();
      }),
    );
  }

  async #spawn({ name, path }: ExtensionFile, index: number, env: Record<string, string>): Promise<void> {
    const { spawner, spec, instance, printed, died } = this.#deps;
    const order = {
      argv: [path] as const,
      env,
      cwd: '/',
      spec,
      instanceId: `${instance.instanceId}-x${index}`,
      loopbackOf: instance.instanceId,
    };
    const program = await spawner.spawn(order).catch((error: unknown) => {
      const at = { requestId: instance.instanceId, durationMs: 0 };
      throw initFailed('Extension.LaunchError', `${name} could not be started: ${(error as Error).message}`, at);
    });
    const output = new OutputLines({ line: (_requestId, text) => printed(text) }, [program.stdout, program.stderr]);
    const running: Running = { name, program, output, over: false };
    this.#running.push(running);
    void program.exited.then((status) => {
      running.over = true;
      if (!this.#ending) died(name, status);
    });
  }
}
