import { HearthError } from '../errors.ts';
import type { KeyStatement } from '../auth/statements.ts';
import type { Alias } from '../model/alias.ts';
import type { BusSchedule, EventBusSettings, EventRule, ScheduleGroup } from '../model/event-rule.ts';
import type { AsyncManifest } from '../model/async-manifest.ts';
import type { FunctionUrl, FunctionVersion } from '../model/function-version.ts';
import type { TriggerManifest } from '../model/triggers.ts';
import type { ResourceStore, StoredResource } from '../store/store.ts';
import type { Scope } from './function-name.ts';
import { Turns } from '../lib/turns.ts';
import type { FailedUpdate } from './update-state.ts';

/** A resource policy: statements in the order in which they were added. */
export interface Policy {
  readonly revisionId: string;
  readonly statements: readonly Readonly<Record<string, unknown>>[];
}

/** What PublishVersion has to remember of a function. Numbers are never used twice. */
export interface Publications {
  readonly last: number;
  /** Of what was published last, so that the same is not published again. */
  readonly fingerprint: string;
}

/** A version of a layer. */
export interface LayerVersion {
  readonly layer: string;
  readonly version: number;
  readonly description: string;
  readonly codeSha256: string;
  readonly codeBytes: number;
  readonly runtimes: readonly string[] | null;
  readonly architectures: readonly string[] | null;
  readonly licence: string | null;
  readonly createdAtMs: number;
}

/** How many instances of a version are kept for those who ask for this qualifier. */
export interface Provisioned {
  /** The version or alias that was asked for. */
  readonly qualifier: string;
  readonly requested: number;
  readonly modifiedAtMs: number;
}

export interface EventSourceMapping {
  readonly uuid: string;
  readonly functionName: string;
  readonly qualifier: string | null;
  readonly sourceArn: string;
  readonly enabled: boolean;
  /** Absent: before there was this member. */
  readonly createdAtMs?: number;
  readonly modifiedAtMs: number;
  readonly tags: Readonly<Record<string, string>>;
  /** All other members of the request, by their names in Lambda's API. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A deployment that is under way, or whose server was killed: what is to invoke the function once its revision is there. */
export interface PendingDeployment {
  /** The latest revision when it began: another one is the deployment's. Null: there was no such function. */
  readonly before: string | null;
  readonly triggers: readonly TriggerManifest[];
  readonly async: AsyncManifest | null;
}

/** The file that a function was deployed from, and the name of the machine on which that lies. */
export interface DeployedFrom {
  readonly host: string;
  readonly file: string;
}

/** A revision that is being tried in the place of one that works. */
export interface UnfinishedRollout {
  readonly revisionId: string;
  /** What serves meanwhile. */
  readonly previous: FunctionVersion;
  /** What was changed by itself since that was the latest. */
  readonly amended: readonly ('tags' | 'url' | 'scaling')[];
  /** How often it has been tried, this time among them. */
  readonly tries: number;
}

/** A key that may sign requests. */
export interface StoredKey {
  readonly name: string;
  readonly createdAtMs: number;
  /** Null: it may do everything. */
  readonly statements: readonly KeyStatement[] | null;
  /** The secret, encrypted. */
  readonly sealed: string;
}

/** What is known of a log group beside what functions write to it: of one that was made, or set something of. */
export interface LogGroupSettings {
  readonly createdAtMs: number;
  /** How long events are given out and kept, days; null: as long as there is room. */
  readonly retentionDays: number | null;
  readonly tags: Readonly<Record<string, string>>;
  /** `STANDARD` or `INFREQUENT_ACCESS`: given back, and nothing else. */
  readonly class: string;
  /** DeleteLogGroup is refused. */
  readonly deletionProtected: boolean;
}

/** The document of each kind. A key begins with the function's id and a slash where the resource is a function's. */
export interface ResourceKinds {
  /** FUNCTION/ALIAS */
  readonly alias: Alias;
  /** FUNCTION/QUALIFIER; the qualifier is empty for the function itself. */
  readonly policy: Policy;
  /** FUNCTION/ALIAS: URLs of aliases; a function's own is in its configuration. */
  readonly url: FunctionUrl;
  /** FUNCTION/ */
  readonly publications: Publications;
  /** FUNCTION/VERSION: why the snapshot of a version could not be made when it was published. */
  readonly 'version-failure': FailedUpdate;
  /** FUNCTION/QUALIFIER */
  readonly provisioned: Provisioned;
  /** FUNCTION/QUALIFIER: members of Lambda's API as they were put, and `LastModified`. */
  readonly 'event-invoke-config': Readonly<Record<string, unknown>>;
  /** FUNCTION/QUALIFIER */
  readonly 'runtime-management': Readonly<Record<string, unknown>>;
  /** FUNCTION/ */
  readonly recursion: { readonly loop: string };
  /** FUNCTION/QUALIFIER */
  readonly scaling: Readonly<Record<string, unknown>>;
  /** FUNCTION/ */
  readonly 'function-code-signing': { readonly arn: string };
  /** ARN */
  readonly 'code-signing': Readonly<Record<string, unknown>>;
  /** NAME */
  readonly layer: { readonly last: number };
  /** NAME/VERSION */
  readonly 'layer-version': LayerVersion;
  /** NAME/VERSION */
  readonly 'layer-policy': Policy;
  /** Its id */
  readonly 'access-key': StoredKey;
  /** UUID */
  readonly 'event-source-mapping': EventSourceMapping;
  /** FUNCTION's name */
  readonly 'pending-deployment': PendingDeployment;
  /** FUNCTION/ */
  readonly 'deployed-from': DeployedFrom;
  /** FUNCTION/ */
  readonly rollout: UnfinishedRollout;
  /** NAME */
  readonly 'event-bus': EventBusSettings;
  /** NAME on the default bus, else BUS/NAME */
  readonly 'event-rule': EventRule;
  /** NAME in the default group, else GROUP/NAME */
  readonly 'bus-schedule': BusSchedule;
  /** NAME */
  readonly 'schedule-group': ScheduleGroup;
  /** NAME */
  readonly 'log-group': LogGroupSettings;
}

export type Kind = keyof ResourceKinds;

/** In JSON text: the character escaped, not a backslash before `u0000`. */
const NUL = /(?:^|[^\\])(?:\\\\)*\\u0000/;

/**
 * Lambda's lesser resources, in memory: reading never waits. A write goes to the store first and is seen when it is durable. What reads, decides
 * and writes takes a turn (`inTurn`).
 */
export class Resources {
  readonly #store: ResourceStore;
  readonly #scope: Scope;
  readonly #turns = new Turns();
  readonly #kinds = new Map<string, Map<string, unknown>>();
  readonly #listeners = new Set<(kind: Kind, key: string) => void>();

  private constructor(store: ResourceStore, scope: Scope) {
    this.#store = store;
    this.#scope = scope;
  }

  /** Loads what the store has of this account and region. */
  static async load(store: ResourceStore, scope: Scope): Promise<Resources> {
    const resources = new Resources(store, scope);
    for (const { accountId, region, kind, key, document } of await store.all())
      if (accountId === scope.accountId && region === scope.region) resources.#of(kind).set(key, document);
    return resources;
  }

  get<K extends Kind>(kind: K, key: string): ResourceKinds[K] | null {
    return (this.#kinds.get(kind)?.get(key) as ResourceKinds[K] | undefined) ?? null;
  }

  /** Those whose key begins with `prefix`, with the rest of the key, in the order of their keys. */
  list<K extends Kind>(kind: K, prefix = ''): { readonly key: string; readonly rest: string; readonly document: ResourceKinds[K] }[] {
    const found = [...(this.#kinds.get(kind) ?? [])].filter(([key]) => key.startsWith(prefix));
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    return found.map(([key, document]) => ({ key, rest: key.slice(prefix.length), document: document as ResourceKinds[K] }));
  }

  /** Writes one. `functionId`: the function that it goes with. Throws ResourceNotFoundException when that is gone. */
  async put<K extends Kind>(kind: K, key: string, document: ResourceKinds[K], functionId: string | null): Promise<ResourceKinds[K]> {
    if (NUL.test(JSON.stringify(document)))
      throw new HearthError('ValidationException', 'A text has the character NUL, which can’t be stored: leave it out.');
    await this.#store.put({ ...this.#scope, kind, key, functionId, document });
    this.#of(kind).set(key, document);
    this.#tell(kind, key);
    return document;
  }

  /** Removes one; false when there was none. */
  async remove(kind: Kind, key: string): Promise<boolean> {
    if (!this.#of(kind).has(key)) return false;
    const gone: Omit<StoredResource, 'document' | 'functionId'> = { ...this.#scope, kind, key };
    await this.#store.remove(gone);
    this.#of(kind).delete(key);
    this.#tell(kind, key);
    return true;
  }

  /** A function is gone, and in the store all that was its: so here. */
  forget(functionId: string): void {
    for (const kind of this.#kinds.values()) for (const key of kind.keys()) if (key.startsWith(`${functionId}/`)) kind.delete(key);
  }

  /** Runs a task when those of the same name that came before have ended. */
  inTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
    return this.#turns.take(name, task);
  }

  /** Calls a listener after each change, which must not throw; returns the way to stop. */
  onChange(listener: (kind: Kind, key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #of(kind: string): Map<string, unknown> {
    let of = this.#kinds.get(kind);
    if (of === undefined) this.#kinds.set(kind, (of = new Map()));
    return of;
  }

  #tell(kind: Kind, key: string): void {
    for (const listener of this.#listeners) listener(kind, key);
  }
}
