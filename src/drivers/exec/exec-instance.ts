import { InstanceExited, type Answer, type DriverInstance, type InstanceSpec } from '../../fleet/driver.ts';
import type { Clock } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import type { ExitStatus, InitReport } from '../../model/instance.ts';
import type { Invocation } from '../../model/invocation.ts';
import type { Step } from '../../model/waterfall.ts';
import { Desk, type DeskAnswer } from './desk.ts';
import { OutputLines } from './output-lines.ts';
import { holdsMoreThan, memoryOfFamily } from '../fork/process-figures.ts';
import { cpuMsOfFamily } from '../fork/process-figures.ts';
import { peakMemoryBytes, signalTree } from './process-tree.ts';
import { RuntimeApi } from './runtime-api.ts';
import type { Program, ProgramOrder, Spawner } from './spawner.ts';

export interface ExecOptions {
  readonly spawner: Spawner;
  readonly clock: Clock;
  readonly spec: InstanceSpec;
  readonly concurrency: number;
  /** Largest response, bytes. */
  readonly limitBytes: number;
}

/** How the init phase ended. */
export type InitEnd =
  | { readonly kind: 'ready' }
  | { readonly kind: 'error'; readonly errorType: string; readonly body: Buffer }
  | { readonly kind: 'exited'; readonly status: ExitStatus };

/** A running `bootstrap` and the Runtime API it talks to. */
export class ExecInstance implements DriverInstance {
  readonly rung = 'disk';
  init: InitReport | null = null;
  steps: readonly Step[] = [];
  /** Monotonic: when the program ran; it has said nothing yet. */
  spawnedMs = 0;
  readonly exited: Promise<ExitStatus>;
  readonly ending: Promise<void>;
  readonly #options: ExecOptions;
  readonly #desk: Desk;
  readonly #api: RuntimeApi;
  readonly #initEnd = deferred<InitEnd>();
  readonly #ended = deferred<ExitStatus>();
  readonly #over = deferred<void>();
  readonly #rejections = new Set<(status: ExitStatus) => void>();
  #program: Program | null = null;
  #output: OutputLines | null = null;
  #status: ExitStatus | null = null;
  #killed = false;
  #drained: Promise<void> = Promise.resolve();

  constructor(options: ExecOptions) {
    this.#options = options;
    this.exited = this.#ended.promise;
    this.ending = this.#over.promise;
    this.#desk = new Desk({
      ...options,
      events: {
        ready: () => this.#initEnd.resolve({ kind: 'ready' }),
        initFailed: (errorType, body) => this.#initEnd.resolve({ kind: 'error', errorType, body }),
        started: (requestId) => this.#attribute(requestId),
        ended: () => (this.#drained = this.#afterAnswer()),
      },
    });
    this.#api = new RuntimeApi(this.#desk, options.limitBytes);
  }

  get pid(): number | null {
    return this.#program?.pid ?? null;
  }

  /** Starts the program; resolves with the end of its init phase. Rejects when it can't be executed. Once only. */
  async launch(order: ProgramOrder): Promise<InitEnd> {
    this.#api.beyond = order.env['AWS_LAMBDA_RUNTIME_API'] ?? null;
    const address = await this.#api.listen();
    try {
      this.#program = await this.#options.spawner.spawn({ ...order, env: { ...order.env, AWS_LAMBDA_RUNTIME_API: address } });
    } catch (error) {
      await this.#api.close();
      this.#status = { code: null, signal: null };
      this.#over.resolve();
      this.#ended.resolve(this.#status);
      throw error;
    }
    this.#api.serveOnly(this.#program.uid);
    this.spawnedMs = this.#options.clock.monotonic();
    this.#output = new OutputLines(this.#options.spec.log, [this.#program.stdout, this.#program.stderr]);
    void this.#program.exited.then((status) => this.#end(status));
    if (this.#killed) void this.kill();
    const { pid } = this.#program;
    order.spec.initRuns?.(() => cpuMsOfFamily(pid));
    const end = await this.#initEnd.promise;
    // It may have been quicker than we were to listen: what it printed is the init phase's, not the first invocation's.
    await this.#output.drain();
    return end;
  }

  invoke(invocation: Invocation, deadlineMs: number): Promise<Answer> {
    if (this.#status !== null) return Promise.reject(new InstanceExited(this.#status));
    return new Promise((resolve, reject) => {
      const rejection = (status: ExitStatus): void => reject(new InstanceExited(status));
      this.#rejections.add(rejection);
      this.#desk.submit(invocation, deadlineMs, (answer) => {
        this.#rejections.delete(rejection);
        resolve(this.#answer(answer));
      });
    });
  }

  pause(): void {
    if (this.#program !== null && this.#status === null) signalTree(this.#program.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.#program !== null && this.#status === null) signalTree(this.#program.pid, 'SIGCONT');
  }

  async memoryBytes(): Promise<number | null> {
    return this.#program === null || this.#status !== null ? null : memoryOfFamily(this.#program.pid);
  }

  holdsMoreThan(bytes: number): boolean {
    return this.#program !== null && this.#status === null && holdsMoreThan(this.#program.pid, bytes);
  }

  async kill(): Promise<ExitStatus> {
    this.#killed = true; // one that is still being started is killed when it has been
    if (this.#program !== null && this.#status === null) await this.#options.spawner.killTree(this.#program.pid);
    return this.exited;
  }

  #answer(answer: DeskAnswer): Answer {
    const peak = this.#program === null ? 0 : peakMemoryBytes(this.#program.pid);
    return { ...answer, peakMemoryBytes: peak, logged: this.#drained };
  }

  #attribute(requestId: string | null): void {
    if (this.#output !== null && this.#options.concurrency === 1) this.#output.belongTo(requestId);
  }

  /** The runtime waits for our word until its output has been read: what it prints later is not that invocation's. */
  async #afterAnswer(): Promise<void> {
    await this.#output?.drain();
    this.#attribute(null);
  }

  async #end(status: ExitStatus): Promise<void> {
    this.#status = status;
    this.#over.resolve();
    await this.#output?.end();
    await this.#api.close();
    this.#initEnd.resolve({ kind: 'exited', status });
    for (const rejection of this.#rejections) rejection(status);
    this.#rejections.clear();
    this.#ended.resolve(status);
  }
}
