import { layersDigest } from '../artifacts/layers.ts';
import type { Random } from '../lib/random.ts';
import { routed, type Alias } from '../model/alias.ts';
import type { FunctionUrl, FunctionVersion } from '../model/function-version.ts';
import { notFound, parseReference, type FunctionReference, type Scope } from './function-name.ts';
import type { LayerVersion, Resources } from './resources.ts';

/** What a caller named, found. */
export interface Resolved {
  readonly version: FunctionVersion;
  /** The version or alias that was asked for; null when none was. */
  readonly qualifier: string | null;
}

/** A function with its versions. */
export interface Entry {
  latest: FunctionVersion;
  readonly published: Map<string, FunctionVersion>;
  /** As they are run, by version. */
  serving: Map<string, FunctionVersion>;
}

export interface KnownParts {
  readonly resources: Resources;
  /** Where an alias has weights. */
  readonly random: Random;
  readonly scope: Scope;
}

/** Every function that there is, as it is asked for: in memory, so that nobody waits. What changes them is the registry. */
export class KnownFunctions {
  readonly #parts: KnownParts;
  /** By name. */
  protected readonly functions = new Map<string, Entry>();

  protected constructor(parts: KnownParts) {
    this.#parts = parts;
  }

  get scope(): Scope {
    return this.#parts.scope;
  }

  /** A version by plain name and version or alias, as it is stored; null when there is none. */
  get(name: string, qualifier = '$LATEST'): FunctionVersion | null {
    const entry = this.functions.get(name);
    if (entry === undefined) return null;
    if (qualifier === '$LATEST') return entry.latest;
    return entry.published.get(qualifier) ?? this.#ofAlias(entry, this.alias(name, qualifier)) ?? null;
  }

  alias(name: string, alias: string): Alias | null {
    const entry = this.functions.get(name);
    return entry === undefined ? null : this.#parts.resources.get('alias', `${entry.latest.functionId}/${alias}`);
  }

  /** `$LATEST` of every function, by name. */
  list(): FunctionVersion[] {
    return [...this.functions.values()].map((e) => e.latest).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Every version of a function, as stored: `$LATEST`, then by number. */
  versions(name: string): FunctionVersion[] {
    const entry = this.functions.get(name);
    if (entry === undefined) return [];
    return [entry.latest, ...[...entry.published.values()].sort((a, b) => Number(a.version) - Number(b.version))];
  }

  /** Every version of every function, as it is run. */
  serving(): FunctionVersion[] {
    return [...this.functions.values()].flatMap((e) => [...e.serving.values()]);
  }

  /** By name, partial or full ARN, for an invocation. Throws as Lambda does, ResourceNotFoundException above all. */
  find(name: string, qualifier: string | null): FunctionVersion {
    return this.resolve(name, qualifier).version;
  }

  /** As `find`, with the version or alias that was meant. Where an alias has weights, chance decides. */
  resolve(name: string, qualifier: string | null): Resolved {
    const plain = qualifier === null || qualifier === '$LATEST' ? this.functions.get(name)?.serving.get('$LATEST') : undefined;
    if (plain !== undefined) return { version: plain, qualifier }; // the way of nearly every invocation
    const reference = parseReference(name, qualifier, this.#parts.scope);
    const wanted = reference.qualifier ?? '$LATEST';
    const serving = this.functions.get(reference.name)?.serving;
    const alias = serving?.has(wanted) === true ? null : this.alias(reference.name, wanted);
    const version = serving?.get(alias === null ? wanted : routed(alias, this.#parts.random()));
    if (version === undefined) throw notFound({ name: reference.name, qualifier: wanted }, this.#parts.scope);
    return { version, qualifier: reference.qualifier };
  }

  /**
   * The URL of a function (`NAME`) or of an alias (`NAME:ALIAS`), and what it invokes; null when there is no such function. `anyCase`: where none is called just
   * so, it may be the only one whose name differs from that in nothing but case.
   */
  url(target: string, anyCase = false): (Resolved & { readonly url: FunctionUrl | null }) | null {
    const [said = '', qualifier = null] = target.split(':');
    const name = anyCase && !this.functions.has(said) ? this.#inAnyCase(said) : said;
    const entry = this.functions.get(name);
    const version = entry?.serving.get('$LATEST');
    if (entry === undefined || version === undefined) return null;
    if (qualifier === null) return { version, qualifier, url: entry.latest.url };
    if (this.alias(name, qualifier) === null) return null;
    return { ...this.resolve(name, qualifier), url: this.#parts.resources.get('url', `${entry.latest.functionId}/${qualifier}`) };
  }

  /** The version that a reference means, as stored. Throws ResourceNotFoundException. */
  require(reference: FunctionReference): FunctionVersion {
    const version = this.get(reference.name, reference.qualifier ?? '$LATEST');
    if (version === null) throw notFound(reference, this.#parts.scope);
    return version;
  }

  /** Digests that functions and layers refer to: what a sweep of the artifacts must leave. */
  inUse(): { code: Set<string>; dependencies: Set<string> } {
    const versions = [...this.functions.keys()].flatMap((name) => this.versions(name));
    const layers = this.#parts.resources.list('layer-version').map((l) => l.document);
    return digestsOf(versions, layers);
  }

  #inAnyCase(said: string): string {
    const low = said.toLowerCase();
    const [only, another] = [...this.functions.keys()].filter((name) => name.toLowerCase() === low);
    return only === undefined || another !== undefined ? said : only;
  }

  #ofAlias(entry: Entry, alias: Alias | null): FunctionVersion | undefined {
    if (alias === null) return undefined;
    return alias.functionVersion === '$LATEST' ? entry.latest : entry.published.get(alias.functionVersion);
  }
}

/** What versions of functions and of layers refer to, by digest. */
export function digestsOf(
  versions: readonly FunctionVersion[],
  layers: readonly Pick<LayerVersion, 'codeSha256'>[],
): { code: Set<string>; dependencies: Set<string> } {
  const code = [...versions.flatMap((v) => [v, ...(v.layers ?? [])]), ...layers].map(({ codeSha256 }) => codeSha256);
  return { code: new Set(code), dependencies: new Set(versions.flatMap((v) => [v.dependencies ?? [], mergedLayers(v)].flat())) };
}

function mergedLayers({ layers = [] }: FunctionVersion): string[] {
  return layers.length === 0 ? [] : [layersDigest(layers.map((l) => l.codeSha256))];
}
