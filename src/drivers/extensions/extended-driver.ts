import { HearthError } from '../../errors.ts';
import type { Driver, DriverInstance, DriverSnapshot, InstanceSpec, Prepared, ResidentRuntime, StartSpec } from '../../fleet/driver.ts';
import { ExtendedInstance } from './extended-instance.ts';
import { ExtensionHost, type HostDeps } from './extension-host.ts';
import { findExtensions, type ExtensionFile } from './find-extensions.ts';

/**
 * Any driver, for versions that have external extensions, too: those are started the plain way, each instance with extensions of its own before its own
 * init phase (docs/decisions/0035-extensions.md). Custom runtimes have the Extensions API even without them, for internal ones. All others pass through
 * untouched.
 */
export class ExtendedDriver implements Driver {
  readonly name: string;
  readonly #inner: Driver;
  readonly #deps: HostDeps;
  readonly #instances = new Set<ExtendedInstance>();
  #closed = false;

  constructor(inner: Driver, deps: HostDeps) {
    this.name = inner.name;
    this.#inner = inner;
    this.#deps = deps;
  }

  supports(runtime: string): boolean {
    return this.#inner.supports(runtime);
  }

  unforkable(runtime: string): string | null {
    return this.#inner.unforkable(runtime);
  }

  async prepare(spec: StartSpec, first: InstanceSpec): Promise<Prepared> {
    const files = await findExtensions(spec.layersRoot ?? null);
    if (files.length === 0 && !isCustom(spec)) return this.#inner.prepare(spec, first);
    const unforkable = this.#inner.unforkable(spec.version.runtime);
    if (files.length === 0 && unforkable !== null)
      return { kind: 'instance', instance: await this.#extended(spec, first, files), reason: unforkable };
    const names = files.map((f) => f.name).join(', ');
    const reason = `it has external extensions (${names}), which run before its init phase, in each instance anew`;
    return { kind: 'instance', instance: await this.#extended(spec, first, files), reason };
  }

  fork(snapshot: DriverSnapshot, instance: InstanceSpec): Promise<DriverInstance> {
    return this.#inner.fork(snapshot, instance);
  }

  async start(spec: StartSpec, instance: InstanceSpec): Promise<DriverInstance> {
    const files = await findExtensions(spec.layersRoot ?? null);
    return files.length === 0 && !isCustom(spec) ? this.#inner.start(spec, instance) : this.#extended(spec, instance, files);
  }

  runtimes(): Promise<readonly ResidentRuntime[]> {
    return this.#inner.runtimes();
  }

  evictRuntimes(): Promise<number> {
    return this.#inner.evictRuntimes();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#instances].map((instance) => instance.kill()));
    await this.#inner.close();
  }

  async #extended(spec: StartSpec, instance: InstanceSpec, files: readonly ExtensionFile[]): Promise<DriverInstance> {
    if (this.#closed) throw new HearthError('ServiceException', 'the driver is closed');
    const { clock } = this.#deps;
    const host = new ExtensionHost(this.#deps, { spec, instance, files });
    const from = clock.monotonic();
    let starting: Promise<DriverInstance> | null = null;
    try {
      const environment = { ...spec.environment, AWS_LAMBDA_RUNTIME_API: await host.open() };
      starting = this.#inner.start({ ...spec, environment }, { ...instance, log: host.sink });
      const inner = await Promise.race([starting, host.failure]);
      await host.ready(() => clock.monotonic() - from);
      if (this.#closed) throw new HearthError('ServiceException', 'the driver was closed');
      return this.#keep(new ExtendedInstance(inner, host, { clock, initMs: clock.monotonic() - from }));
    } catch (error) {
      await starting?.then((inner) => inner.kill()).catch(() => undefined);
      await host.shutdown('failure');
      throw error;
    }
  }

  #keep(instance: ExtendedInstance): ExtendedInstance {
    this.#instances.add(instance);
    void instance.exited.then(() => this.#instances.delete(instance));
    return instance;
  }
}

function isCustom({ version }: StartSpec): boolean {
  return version.runtime.startsWith('provided');
}
