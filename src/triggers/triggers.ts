import { isDeepStrictEqual } from 'node:util';
import { HearthError } from '../errors.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import { Turns } from '../lib/turns.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { TriggerRecord, TriggerStatus } from '../model/trigger-record.ts';
import { triggerKind, type TriggerConfiguration, type TriggerKind, type TriggerManifest } from '../model/triggers.ts';
import { difference } from './difference.ts';
import type { TriggeredFunctions, TriggerLog, TriggerSource, TriggerStore } from './trigger.ts';

/** A removal that failed is tried again after this. */
const AGAIN_MS = 60_000;
/** And so long: what it made is on a server that never came back, or that nobody can reach any more. */
const TRIED_MS = 30 * 24 * 60 * 60_000;

export interface TriggersDeps {
  readonly store: TriggerStore;
  /** Whose triggers are served. */
  readonly scope: { readonly accountId: string; readonly region: string };
  /** One for each kind that is served here. */
  readonly sources: readonly TriggerSource[];
  readonly functions: TriggeredFunctions;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: TriggerLog;
}

/** One trigger as it is listed. */
export interface TriggerSummary extends TriggerStatus {
  readonly id: string;
  readonly function: string;
  readonly kind: TriggerKind;
  readonly configuration: TriggerConfiguration;
}

const UNSERVED: TriggerStatus = {
  state: 'failed',
  detail: 'this server does not serve triggers of this kind',
  subject: '',
  lastFiredMs: null,
  nextMs: null,
  lagBytes: null,
  events: 0,
};

/**
 * The triggers of every function: kept in the store, reconciled with what a deployment says, served by the source of their kind. A trigger that goes is
 * retired first and forgotten when what it made elsewhere is gone, so that being killed in between leaves nothing behind for ever.
 */
export class Triggers {
  readonly #deps: TriggersDeps;
  readonly #records = new Map<string, TriggerRecord>();
  readonly #turns = new Turns();
  readonly #removals = new Set<Promise<void>>();
  /** Functions of which a write went without an answer: what is stored of theirs may be other than what is known. */
  readonly #unsure = new Set<string>();
  /** Why retired ones are still there, by id. */
  readonly #obstacles = new Map<string, string>();
  #again: Timer | null = null;
  #closed = false;

  private constructor(deps: TriggersDeps) {
    this.#deps = deps;
  }

  /** Loads the registrations, serves those whose function is there, and goes on removing the others. */
  static async open(deps: TriggersDeps): Promise<Triggers> {
    const triggers = new Triggers(deps);
    const alive = new Set(deps.functions.list().map((f) => f.functionId));
    const records = (await deps.store.all()).filter((r) => r.accountId === deps.scope.accountId && r.region === deps.scope.region);
    // Which mappings there are is not told by their functions: one may have been moved to another, and its function of before removed.
    const isOrphan = (r: TriggerRecord): boolean => r.mapping === undefined && !alive.has(r.functionId);
    const orphans = records.filter((r) => !r.retired && isOrphan(r));
    if (orphans.length > 0) await deps.store.change({ put: [], retire: orphans.map((r) => r.id) });
    for (const record of records) {
      const retired = record.retired || isOrphan(record);
      triggers.#records.set(record.id, retired ? triggers.#retired(record) : record);
      if (!retired) triggers.#source(record.kind)?.start(record);
    }
    triggers.#removeRetired();
    return triggers;
  }

  serves(kind: TriggerKind): boolean {
    return kind === 'http' || this.#source(kind) !== null;
  }

  /** Refuses triggers that can't be served here, each fault with its path. Throws InvalidParameterValueException. */
  check(manifests: readonly TriggerManifest[]): void {
    const seen = new Map<string, number>();
    const faults = manifests.flatMap((manifest, index) => {
      const kind = triggerKind(manifest);
      const source = this.#source(kind);
      if (source === null) return [];
      const path = `triggers[${index}].${kind}`;
      const fault = faultOf(source, manifest[kind]);
      if (fault !== null) return [`${path}: ${fault}`];
      const identity = identityOf(source, manifest[kind]);
      const other = seen.get(identity);
      seen.set(identity, index);
      return other === undefined ? [] : [`${path}: is the same trigger as triggers[${other}]; remove one, or give each a name`];
    });
    if (faults.length > 0) throw new HearthError('InvalidParameterValueException', faults.join('\n'), { details: { faults } });
  }

  /** Makes a function's triggers what its manifest says: keeps, changes, adds, removes. Throws what `check` and the store throw. */
  async reconcile(version: FunctionVersion, manifests: readonly TriggerManifest[]): Promise<void> {
    this.check(manifests);
    await this.#turns.take(version.functionId, async () => {
      // Removed by somebody else meanwhile: its turn came before, and nobody would remove what is added now.
      if (!this.#deps.functions.list().some((f) => f.functionId === version.functionId)) return;
      if (this.#unsure.has(version.functionId)) await this.#readAgain(version.functionId);
      const present = [...this.#records.values()].filter(
        (r) => r.functionId === version.functionId && !r.retired && r.mapping === undefined,
      );
      const wanted = manifests.flatMap((m) => {
        const kind = triggerKind(m);
        const source = this.#source(kind);
        return source === null ? [] : [{ kind, configuration: m[kind] as TriggerConfiguration, identity: identityOf(source, m[kind]) }];
      });
      const identity = (r: TriggerRecord): string => identityOf(this.#source(r.kind), r.configuration);
      const { added, changed, gone } = difference(present, wanted, identity);
      const stamp = {
        ...this.#deps.scope,
        functionId: version.functionId,
        functionName: version.name,
        changedAtMs: this.#deps.clock.now(),
        retired: false,
      };
      const put: TriggerRecord[] = [
        ...added.map((w) => ({ id: this.#deps.ids.uuid(), kind: w.kind, configuration: w.configuration, ...stamp })),
        ...changed.map(({ record, configuration }) => ({ ...record, configuration, changedAtMs: stamp.changedAtMs })),
      ];
      this.#unsure.add(version.functionId);
      await this.#change(put, gone);
      this.#unsure.delete(version.functionId);
    });
  }

  /** Serves what is stored of a function, which may have been written when the answer was lost. */
  async #readAgain(functionId: string): Promise<void> {
    for (const record of await this.#deps.store.all()) {
      const ours = record.functionId === functionId && record.mapping === undefined;
      if (!ours || isDeepStrictEqual(record, this.#records.get(record.id))) continue;
      this.#records.set(record.id, record);
      if (!record.retired) this.#source(record.kind)?.start(record);
    }
    this.#removeRetired();
  }

  /** A registration that serves; null when there is none (any more). */
  get(id: string): TriggerRecord | null {
    const record = this.#records.get(id);
    return record === undefined || record.retired ? null : record;
  }

  /** Makes the triggers of event source mappings those that are wanted: puts what is new or other, retires what is gone. Rejects with what the store does. */
  async map(wanted: readonly TriggerRecord[]): Promise<void> {
    await this.#turns.take('event source mappings', async () => {
      const ids = new Set(wanted.map((w) => w.id));
      const put = wanted.filter((w) => !this.#records.has(w.id) || !sameMapping(this.#records.get(w.id), w));
      const gone = [...this.#records.values()].filter((r) => r.mapping !== undefined && !r.retired && !ids.has(r.id));
      await this.#change(put, gone);
    });
  }

  async #change(put: readonly TriggerRecord[], gone: readonly TriggerRecord[]): Promise<void> {
    if (put.length + gone.length === 0) return;
    await this.#deps.store.change({ put, retire: gone.map((r) => r.id) });
    for (const record of put) {
      this.#records.set(record.id, record);
      this.#source(record.kind)?.start(record);
    }
    this.#retire(gone);
  }

  /** What one is doing; null when there is none. */
  status(id: string): TriggerStatus | null {
    const record = this.#records.get(id);
    return record === undefined ? null : this.#statusOf(record);
  }

  /** The function is gone, and so are its triggers; those of mappings are `map`'s to end. Never rejects. */
  async forget(functionId: string): Promise<void> {
    await this.#turns.take(functionId, async () => {
      const gone = [...this.#records.values()].filter((r) => r.functionId === functionId && !r.retired && r.mapping === undefined);
      if (gone.length === 0) return;
      // What the store does not learn here it learns at the next start: the function is no longer there.
      await this.#deps.store
        .change({ put: [], retire: gone.map((r) => r.id) })
        .catch((err: unknown) => this.#deps.log.warn({ err }, 'triggers of a removed function could not be retired yet'));
      this.#retire(gone);
    });
  }

  /** Every trigger, by function and kind; or those of one function. */
  list(functionName: string | null = null): TriggerSummary[] {
    return [...this.#records.values()]
      .filter((r) => functionName === null || r.functionName === functionName)
      .map((r) => ({ id: r.id, function: r.functionName, kind: r.kind, configuration: r.configuration, ...this.#statusOf(r) }))
      .sort((a, b) => compare(a.function, b.function) || compare(a.kind, b.kind) || compare(a.subject, b.subject));
  }

  /** Ends every source. What was being removed goes on at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#again?.cancel();
    await Promise.all(this.#deps.sources.map((s) => s.close()));
    await Promise.all(this.#removals);
  }

  #source(kind: TriggerKind): TriggerSource | null {
    return this.#deps.sources.find((s) => s.kind === kind) ?? null;
  }

  #statusOf(record: TriggerRecord): TriggerStatus {
    const status = this.#source(record.kind)?.status(record.id) ?? UNSERVED;
    return record.retired ? { ...status, state: 'waiting', detail: this.#obstacles.get(record.id) ?? 'is being removed' } : status;
  }

  #retire(gone: readonly TriggerRecord[]): void {
    for (const record of gone) this.#records.set(record.id, this.#retired(record));
    this.#removeRetired();
  }

  #retired(record: TriggerRecord): TriggerRecord {
    return { ...record, retired: true, retiredAtMs: record.retiredAtMs ?? this.#deps.clock.now() };
  }

  /** Removes what the retired ones made, in the background; what fails is tried again. */
  #removeRetired(): void {
    for (const record of this.#records.values()) {
      if (!record.retired) continue;
      const removal = this.#turns.take(record.id, () => this.#remove(record)).finally(() => this.#removals.delete(removal));
      this.#removals.add(removal);
    }
  }

  async #remove(record: TriggerRecord): Promise<void> {
    if (this.#closed || !this.#records.has(record.id)) return;
    try {
      await this.#source(record.kind)
        ?.remove(record)
        .catch((err: unknown) => this.#obstructed(record, err));
      await this.#deps.store.delete(record.id);
      this.#records.delete(record.id);
      this.#obstacles.delete(record.id);
    } catch (err) {
      const detail = `is being removed, and tried again: ${err instanceof Error ? err.message : String(err)}`;
      const { id, functionName, kind } = record;
      // Said once for each reason: it may be tried for weeks.
      if (this.#obstacles.get(id) !== detail)
        this.#deps.log.warn({ err, trigger: { id, functionName, kind } }, 'a trigger could not be removed yet, and is tried again');
      this.#obstacles.set(id, detail);
      this.#again ??= this.#deps.clock.after(AGAIN_MS, () => {
        this.#again = null;
        this.#removeRetired();
      });
    }
  }

  /** What a trigger made can't be removed: throws why while it is to be tried again, and else says what may be left. */
  #obstructed({ id, functionName, kind, retiredAtMs = 0 }: TriggerRecord, err: unknown): void {
    if (this.#deps.clock.now() - retiredAtMs < TRIED_MS) throw err;
    const days = TRIED_MS / (24 * 60 * 60_000);
    const text = `a trigger of a function that is gone could not be removed for ${days} days, and is given up: what it made may still be there`;
    this.#deps.log.warn({ err, trigger: { id, functionName, kind } }, text);
  }
}

function sameMapping(a: TriggerRecord | undefined, b: TriggerRecord): boolean {
  const of = (r: TriggerRecord | undefined) => [r?.functionId, r?.mapping, r?.configuration];
  return isDeepStrictEqual(of(a), of(b));
}

function faultOf(source: TriggerSource, configuration: unknown): string | null {
  try {
    source.check(configuration as TriggerConfiguration);
    return null;
  } catch (error) {
    if (error instanceof HearthError && error.code === 'InvalidParameterValueException') return error.message;
    throw error;
  }
}

/** Kind and identity: no two of a function are alike. */
function identityOf(source: TriggerSource | null, configuration: unknown): string {
  return source === null ? '' : `${source.kind} ${source.identity(configuration as TriggerConfiguration)}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
