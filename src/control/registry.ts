import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import { Turns } from '../lib/turns.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { FunctionStore } from '../store/store.ts';
import { notFound } from './function-name.ts';
import { KnownFunctions, type Entry, type KnownParts } from './known-functions.ts';
import { fingerprint, isPublished, NOTHING_PUBLISHED, publishedVersion, type Publication } from './publishing.ts';
import { isRevision } from './revisions.ts';
import { servingVersions } from './serving.ts';
import { takingUpUnheard } from './unheard-writes.ts';

/** All of a version that its author decides. */
export type FunctionSettings = Omit<
  FunctionVersion,
  'functionId' | 'accountId' | 'region' | 'name' | 'version' | 'revisionId' | 'modifiedAtMs'
>;

/** What of a function is changed apart from its code and configuration, and is not how it runs. */
export type Amendment = 'tags' | 'url' | 'scaling';

/** What happened to a function. `previous` no longer serves. `updated` may be of a numbered version whose scaling is another now. */
export type FunctionChange =
  | { readonly kind: 'created'; readonly version: FunctionVersion }
  | { readonly kind: 'updated'; readonly version: FunctionVersion; readonly previous: FunctionVersion }
  | { readonly kind: 'removed'; readonly previous: FunctionVersion }
  | { readonly kind: 'published'; readonly version: FunctionVersion }
  | { readonly kind: 'unpublished'; readonly previous: FunctionVersion };

export interface RegistryDeps extends KnownParts {
  readonly store: FunctionStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

export const STALE =
  'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id';

/**
 * What makes, changes and removes functions. Writes go to the store first and are seen when they are durable; those of one
 * function happen one after the other. Every change makes a new revision, which listeners are told of, in order.
 */
export class FunctionRegistry extends KnownFunctions {
  readonly #deps: RegistryDeps;
  /** What is stored, of versions that are run with another scaling. */
  readonly #stored = new WeakMap<FunctionVersion, FunctionVersion>();
  readonly #turns = new Turns();
  readonly #listeners = new Set<(change: FunctionChange) => void>();

  private constructor(deps: RegistryDeps) {
    super(deps);
    this.#deps = deps;
  }

  /** Loads what the store has of this account and region. */
  static async load(deps: RegistryDeps): Promise<FunctionRegistry> {
    const registry = new FunctionRegistry({ ...deps, store: takingUpUnheard(deps.store) });
    const ours = (await deps.store.all()).filter((v) => v.accountId === deps.scope.accountId && v.region === deps.scope.region);
    for (const v of ours) if (v.version === '$LATEST') registry.functions.set(v.name, entryOf(Object.freeze(v)));
    for (const v of ours) if (v.version !== '$LATEST') registry.functions.get(v.name)?.published.set(v.version, Object.freeze(v));
    for (const entry of registry.functions.values()) entry.serving = registry.#served(entry);
    deps.resources.onChange((kind, key) => {
      if (kind === 'provisioned' || kind === 'alias') registry.#rescale(key.slice(0, key.indexOf('/')));
    });
    return registry;
  }

  /**
   * Makes a function; with `publish`, and its first version, which is what resolves then: nothing comes between. Throws ResourceConflictException
   * when the name is taken.
   */
  create(name: string, settings: FunctionSettings, publish = false): Promise<FunctionVersion> {
    return this.#turns.take(name, async () => {
      if (this.functions.has(name)) throw taken(name);
      const { ids, scope, store } = this.#deps;
      const version = Object.freeze({ ...settings, ...scope, functionId: ids.uuid(), name, version: '$LATEST', ...this.#stamp() });
      await store.create(version);
      this.functions.set(name, entryOf(version));
      this.#tell({ kind: 'created', version });
      return publish ? this.#publish(name, {}) : version;
    });
  }

  /**
   * Changes a function to what `change` gives for its present state. With `expectedRevisionId`, only while that is the present
   * revision, else PreconditionFailedException. With `publish`, and makes a numbered version of it, which is what resolves then: nothing comes between.
   * Throws ResourceNotFoundException when it is gone.
   */
  update(
    name: string,
    change: (present: FunctionVersion) => Partial<FunctionSettings>,
    { expectedRevisionId = null, publish = false }: { readonly expectedRevisionId?: string | null; readonly publish?: boolean } = {},
  ): Promise<FunctionVersion> {
    return this.#turns.take(name, async () => {
      const entry = this.#entry(name);
      const previous = entry.latest;
      expectRevision(expectedRevisionId, previous);
      const version = Object.freeze({ ...previous, ...change(previous), ...this.#stamp() });
      await this.#deps.store.replaceLatest(version, previous.revisionId);
      entry.latest = version;
      this.#reserve(entry);
      return publish ? this.#publish(name, {}) : version;
    });
  }

  /** What a function would be with these settings. It is nowhere, and the revision that it may become will be another. */
  draft(name: string, settings: FunctionSettings): FunctionVersion {
    const functionId = this.functions.get(name)?.latest.functionId ?? this.#deps.ids.uuid();
    return Object.freeze({ ...settings, ...this.#deps.scope, functionId, name, version: '$LATEST', ...this.#stamp() });
  }

  /**
   * Goes back from a revision to the one that serves, as if the change had not been: when it is still the latest. What of the latest is `amended` stays.
   * Told to nobody, since for callers nothing changes; resolves with what is to serve, which is another revision where its scaling was amended. Null
   * when it was changed or removed meanwhile.
   */
  undo(version: FunctionVersion, serving: FunctionVersion, amended: readonly Amendment[] = []): Promise<FunctionVersion | null> {
    return this.#turns.take(version.name, async () => {
      const entry = this.functions.get(version.name);
      if (entry === undefined || entry.serving.get('$LATEST') !== version) return null;
      const before = this.#stored.get(serving) ?? serving;
      const kept: Partial<FunctionVersion> = Object.fromEntries(amended.map((member) => [member, entry.latest[member]]));
      const rescaled = amended.includes('scaling') ? { revisionId: this.#deps.ids.uuid() } : {};
      const back = amended.length === 0 ? before : Object.freeze({ ...before, ...kept, ...rescaled });
      await this.#deps.store.replaceLatest(back, entry.latest.revisionId);
      entry.latest = back;
      entry.serving = this.#served(entry);
      return entry.serving.get('$LATEST') ?? null;
    });
  }

  /** Makes a numbered version of `$LATEST`, or gives the last one when nothing has changed since. */
  publish(name: string, publication: Publication = {}): Promise<FunctionVersion> {
    return this.#turns.take(name, () => this.#publish(name, publication));
  }

  async #publish(name: string, publication: Publication): Promise<FunctionVersion> {
    const entry = this.#entry(name);
    const { store, resources } = this.#deps;
    const { latest } = entry;
    expectRevision(publication.revisionId ?? null, latest);
    publication.check?.(latest);
    const key = `${latest.functionId}/`;
    const before = resources.get('publications', key) ?? NOTHING_PUBLISHED;
    const last = entry.published.get(String(before.last));
    if (last !== undefined && isPublished(latest, last, before.fingerprint)) return last;
    const number = before.last + 1;
    const version = publishedVersion(latest, String(number), { ...this.#stamp(), description: publication.description ?? null });
    // The number is used up first: a version is never made twice under one.
    await resources.put('publications', key, { last: number, fingerprint: fingerprint(latest) }, latest.functionId);
    await store.publish(version);
    entry.published.set(version.version, version);
    this.#reserve(entry);
    return version;
  }

  /** Removes a numbered version; false when there was none. */
  removeVersion(name: string, version: string): Promise<boolean> {
    return this.#turns.take(name, async () => {
      const entry = this.functions.get(name);
      if (entry === undefined || !entry.published.has(version)) return false;
      await this.#deps.store.removeVersion(entry.latest.functionId, version);
      entry.published.delete(version);
      this.#reserve(entry);
      return true;
    });
  }

  /** Removes a function with all its versions; false when there was none. */
  remove(name: string): Promise<boolean> {
    return this.#turns.take(name, async () => {
      const entry = this.functions.get(name);
      if (entry === undefined) return false;
      await this.#deps.store.remove(entry.latest.functionId);
      this.functions.delete(name);
      await this.#deps.resources.remove('pending-deployment', name);
      this.#deps.resources.forget(entry.latest.functionId);
      for (const [number, previous] of entry.serving) this.#tell({ kind: number === '$LATEST' ? 'removed' : 'unpublished', previous });
      return true;
    });
  }

  /** Calls a listener after each change, which must not throw; returns the way to stop. */
  onChange(listener: (change: FunctionChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #entry(name: string): Entry {
    const entry = this.functions.get(name);
    if (entry === undefined) throw notFound({ name, qualifier: null }, this.#deps.scope);
    return entry;
  }

  #served(entry: Entry): Map<string, FunctionVersion> {
    const kept = new Map<string, number>();
    for (const { document } of this.#deps.resources.list('provisioned', `${entry.latest.functionId}/`)) {
      const alias = this.#deps.resources.get('alias', `${entry.latest.functionId}/${document.qualifier}`);
      const version = alias?.functionVersion ?? document.qualifier;
      kept.set(version, (kept.get(version) ?? 0) + document.requested);
    }
    const serving = servingVersions(entry, kept);
    for (const [number, version] of serving) this.#stored.set(version, entry.published.get(number) ?? entry.latest);
    return serving;
  }

  /** Puts the versions as they are run in the place of those before, and tells of every difference. */
  #reserve(entry: Entry): void {
    const before = entry.serving;
    entry.serving = this.#served(entry);
    for (const [number, version] of entry.serving) {
      const previous = before.get(number);
      if (previous === undefined) this.#tell({ kind: 'published', version });
      else if (previous !== version && previous.revisionId !== version.revisionId) this.#tell({ kind: 'updated', version, previous });
    }
    for (const [number, previous] of before) if (!entry.serving.has(number)) this.#tell({ kind: 'unpublished', previous });
  }

  #rescale(functionId: string): void {
    for (const entry of this.functions.values()) if (entry.latest.functionId === functionId) this.#reserve(entry);
  }

  #stamp(): { revisionId: string; modifiedAtMs: number } {
    return { revisionId: this.#deps.ids.uuid(), modifiedAtMs: this.#deps.clock.now() };
  }

  #tell(change: FunctionChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function entryOf(latest: FunctionVersion): Entry {
  return { latest, published: new Map(), serving: new Map([['$LATEST', latest]]) };
}

function expectRevision(given: string | null, present: FunctionVersion): void {
  if (given !== null && !isRevision(given, present.revisionId)) throw new HearthError('PreconditionFailedException', STALE);
}

function taken(name: string): HearthError {
  return new HearthError('ResourceConflictException', `Function already exist: ${name}`);
}
