import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HearthError } from '../../errors.ts';
import {
  InitFailure,
  type Driver,
  type DriverInstance,
  type InstanceSpec,
  type Prepared,
  type ResidentRuntime,
  type StartSpec,
} from '../../fleet/driver.ts';
import type { Clock } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import { initExited, initTimedOut } from '../endings.ts';
import { ExecInstance, type InitEnd } from './exec-instance.ts';
import { invalidEntrypoint } from './failures.ts';
import type { Spawner } from './spawner.ts';

const REASON = "provided: a custom runtime can't be forked; each instance starts its own bootstrap";

export interface ExecDriverOptions {
  readonly spawner: Spawner;
  readonly clock: Clock;
  /** Largest response of an invocation, bytes. */
  readonly payloadBytes: number;
}

/** Runs `provided` runtimes: an executable `bootstrap` in the function's folder that speaks Lambda's Runtime API over HTTP. */
export class ExecDriver implements Driver {
  readonly name = 'exec';
  readonly #options: ExecDriverOptions;
  readonly #instances = new Set<ExecInstance>();
  #closed = false;

  constructor(options: ExecDriverOptions) {
    this.#options = options;
  }

  supports(runtime: string): boolean {
    return process.platform === 'linux' && /^provided(\.al2|\.al2023)?$/.test(runtime);
  }

  unforkable(): string {
    return REASON;
  }

  async prepare(spec: StartSpec, first: InstanceSpec): Promise<Prepared> {
    return { kind: 'instance', instance: await this.start(spec, first), reason: REASON };
  }

  fork(): Promise<DriverInstance> {
    return Promise.reject(new HearthError('ServiceException', REASON));
  }

  async start(spec: StartSpec, instanceSpec: InstanceSpec): Promise<DriverInstance> {
    if (this.#closed) throw new HearthError('ServiceException', 'the driver is closed');
    const requestId = instanceSpec.instanceId;
    const bootstrap = await bootstrapOf(spec, requestId);
    const { clock } = this.#options;
    const startedAtMs = clock.monotonic();
    const instance = new ExecInstance({
      ...this.#options,
      spec: instanceSpec,
      concurrency: spec.version.scaling.concurrency,
      limitBytes: this.#options.payloadBytes,
    });
    this.#instances.add(instance);
    void instance.exited.then(() => this.#instances.delete(instance));
    const end = await this.#initialise(instance, spec, bootstrap, instanceSpec);
    const durationMs = clock.monotonic() - startedAtMs;
    if (end.kind === 'ready') {
      instance.init = { durationMs, slowestModules: [], unforkable: REASON };
      const spawnMs = instance.spawnedMs - startedAtMs;
      instance.steps = [
        { of: 'instance', name: 'spawn', atMs: startedAtMs, ms: spawnMs },
        // Until the bootstrap asked for its first invocation: what it did meanwhile only it knows.
        { of: 'instance', name: 'userInit', atMs: instance.spawnedMs, ms: durationMs - spawnMs },
      ];
      return instance;
    }
    if (this.#closed) throw new HearthError('ServiceException', 'the driver was closed');
    if (end.kind === 'exited') throw fromDisk(initExited(end.status, { requestId, durationMs }));
    await instance.kill();
    if (end.kind === 'timeout') throw fromDisk(initTimedOut(spec.initTimeoutMs, { requestId, durationMs: spec.initTimeoutMs }));
    throw fromDisk(new InitFailure(end.errorType, end.body, durationMs));
  }

  async runtimes(): Promise<readonly ResidentRuntime[]> {
    return [];
  }

  async evictRuntimes(): Promise<number> {
    return 0; // a custom runtime keeps nothing resident but its instances
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#instances].map((instance) => instance.kill()));
  }

  async #initialise(
    instance: ExecInstance,
    spec: StartSpec,
    bootstrap: string,
    { instanceId, logStream }: InstanceSpec,
  ): Promise<InitEnd | { kind: 'timeout' }> {
    const late = deferred<{ kind: 'timeout' }>();
    const timer = this.#options.clock.after(spec.initTimeoutMs, () => late.resolve({ kind: 'timeout' }));
    const env = { ...spec.environment, AWS_LAMBDA_LOG_STREAM_NAME: logStream };
    try {
      const launched = instance.launch({ argv: [bootstrap], env, cwd: spec.taskRoot, spec, instanceId });
      return await Promise.race([launched, late.promise]);
    } catch (error) {
      this.#instances.delete(instance);
      // The file is there, we looked: what is missing is the interpreter that its first line names.
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      throw missing ? invalidEntrypoint(bootstrap, 'interpreter', instanceId) : entrypointFailure(bootstrap, error, instanceId);
    } finally {
      timer.cancel();
    }
  }
}

/** The function's own or, where it has none, its layers'. Rejects with InitFailure where neither can be executed. */
async function bootstrapOf({ taskRoot, layersRoot }: StartSpec, requestId: string): Promise<string> {
  const [own, layers] = [join(taskRoot, 'bootstrap'), layersRoot ? join(layersRoot, 'bootstrap') : null];
  const there = layers === null || (await stat(own).catch(() => null)) !== null;
  const bootstrap = there ? own : layers;
  await executable(bootstrap, requestId);
  return bootstrap;
}

async function executable(path: string, requestId: string): Promise<void> {
  try {
    if (!(await stat(path)).isFile()) throw invalidEntrypoint(path, 'EACCES', requestId);
    await access(path, constants.X_OK);
  } catch (error) {
    throw entrypointFailure(path, error, requestId);
  }
}

/** What keeps a bootstrap from being executed is the function's doing; anything else is ours. */
function entrypointFailure(path: string, error: unknown, requestId: string): unknown {
  if (error instanceof InitFailure) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (['ENOENT', 'EACCES', 'ENOEXEC', 'ENOTDIR'].includes(code)) return invalidEntrypoint(path, code, requestId);
  return new HearthError('ServiceException', `${path} could not be started: ${(error as Error).message}`, { cause: error });
}

/** Nothing of a custom runtime is ever resident. */
function fromDisk(failure: InitFailure): InitFailure {
  return Object.assign(failure, { rung: 'disk' });
}
