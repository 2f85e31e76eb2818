import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { FunctionStore } from '../store/store.ts';
import { notFound, parseReference, type FunctionReference, type Scope } from './function-name.ts';
import { Turns } from '../lib/turns.ts';

/** All of a version that its author decides. */
export type FunctionSettings = Omit<
  FunctionVersion,
  'functionId' | 'accountId' | 'region' | 'name' | 'version' | 'revisionId' | 'modifiedAtMs'
>;

/** What happened to a function. `previous` no longer serves. */
export type FunctionChange =
  | { readonly kind: 'created'; readonly version: FunctionVersion }
  | { readonly kind: 'updated'; readonly version: FunctionVersion; readonly previous: FunctionVersion }
  | { readonly kind: 'removed'; readonly previous: FunctionVersion };

export interface RegistryDeps {
  readonly store: FunctionStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly scope: Scope;
}

const STALE =
  'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id';

/**
 * Every function, in memory: reading never waits. Writes go to the store first and are seen when they are durable; those of one
 * function happen one after the other. Every change makes a new revision, which listeners are told of, in order.
 */
export class FunctionRegistry {
  readonly #deps: RegistryDeps;
  readonly #latest = new Map<string, FunctionVersion>();
  readonly #turns = new Turns();
  readonly #listeners = new Set<(change: FunctionChange) => void>();

  private constructor(deps: RegistryDeps) {
    this.#deps = deps;
  }

  /** Loads what the store has of this account and region. */
  static async load(deps: RegistryDeps): Promise<FunctionRegistry> {
    const registry = new FunctionRegistry(deps);
    for (const version of await deps.store.all()) {
      const ours = version.accountId === deps.scope.accountId && version.region === deps.scope.region;
      if (ours && version.version === '$LATEST') registry.#latest.set(version.name, Object.freeze(version));
    }
    return registry;
  }

  get scope(): Scope {
    return this.#deps.scope;
  }

  /** By plain name and version; null when there is none. */
  get(name: string, qualifier = '$LATEST'): FunctionVersion | null {
    return qualifier === '$LATEST' ? (this.#latest.get(name) ?? null) : null;
  }

  /** `$LATEST` of every function, by name. */
  list(): FunctionVersion[] {
    return [...this.#latest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** By name, partial or full ARN, for an invocation. Throws as Lambda does, ResourceNotFoundException above all. */
  find(name: string, qualifier: string | null): FunctionVersion {
    const plain = qualifier === null || qualifier === '$LATEST' ? this.#latest.get(name) : undefined;
    if (plain !== undefined) return plain; // the way of nearly every invocation
    const reference = parseReference(name, qualifier, this.#deps.scope);
    return this.require({ name: reference.name, qualifier: reference.qualifier ?? '$LATEST' });
  }

  /** The version that a reference means. Throws ResourceNotFoundException. */
  require(reference: FunctionReference): FunctionVersion {
    const version = this.get(reference.name, reference.qualifier ?? '$LATEST');
    if (version === null) throw notFound(reference, this.#deps.scope);
    return version;
  }

  /** Makes a function. Throws ResourceConflictException when the name is taken. */
  create(name: string, settings: FunctionSettings): Promise<FunctionVersion> {
    return this.#turns.take(name, async () => {
      if (this.#latest.has(name)) throw taken(name);
      const { ids, scope, store } = this.#deps;
      const version = this.#freeze({ ...settings, ...scope, functionId: ids.uuid(), name, version: '$LATEST', ...this.#stamp() });
      await store.create(version);
      this.#latest.set(name, version);
      this.#tell({ kind: 'created', version });
      return version;
    });
  }

  /**
   * Changes a function to what `change` gives for its present state. With `expectedRevisionId`, only while that is the present
   * revision, else PreconditionFailedException. Throws ResourceNotFoundException when it is gone.
   */
  update(
    name: string,
    change: (present: FunctionVersion) => Partial<FunctionSettings>,
    expectedRevisionId: string | null = null,
  ): Promise<FunctionVersion> {
    return this.#turns.take(name, async () => {
      const previous = this.require({ name, qualifier: null });
      if (expectedRevisionId !== null && previous.revisionId !== expectedRevisionId)
        throw new HearthError('PreconditionFailedException', STALE);
      const version = this.#freeze({ ...previous, ...change(previous), ...this.#stamp() });
      await this.#deps.store.replaceLatest(version, previous.revisionId);
      this.#latest.set(name, version);
      this.#tell({ kind: 'updated', version, previous });
      return version;
    });
  }

  /** What a function would be with these settings. It is nowhere, and the revision that it may become will be another. */
  draft(name: string, settings: FunctionSettings): FunctionVersion {
    const functionId = this.#latest.get(name)?.functionId ?? this.#deps.ids.uuid();
    return this.#freeze({ ...settings, ...this.#deps.scope, functionId, name, version: '$LATEST', ...this.#stamp() });
  }

  /** Removes a function; false when there was none. */
  remove(name: string): Promise<boolean> {
    return this.#turns.take(name, async () => {
      const previous = this.#latest.get(name);
      if (previous === undefined) return false;
      await this.#deps.store.remove(previous.functionId);
      this.#latest.delete(name);
      this.#tell({ kind: 'removed', previous });
      return true;
    });
  }

  /** Digests that functions refer to: what a sweep of the artifacts must leave. */
  inUse(): { code: Set<string>; dependencies: Set<string> } {
    const versions = this.list();
    return {
      code: new Set(versions.map((v) => v.codeSha256)),
      dependencies: new Set(versions.flatMap((v) => v.dependencies ?? [])),
    };
  }

  /** Calls a listener after each change, which must not throw; returns the way to stop. */
  onChange(listener: (change: FunctionChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #stamp(): { revisionId: string; modifiedAtMs: number } {
    return { revisionId: this.#deps.ids.uuid(), modifiedAtMs: this.#deps.clock.now() };
  }

  #freeze(version: FunctionVersion): FunctionVersion {
    return Object.freeze(version);
  }

  #tell(change: FunctionChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function taken(name: string): HearthError {
  return new HearthError('ResourceConflictException', `Function already exist: ${name}`);
}
