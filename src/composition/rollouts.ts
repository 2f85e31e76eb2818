import { isDeepStrictEqual } from 'node:util';
import { layersDigest } from '../artifacts/layers.ts';
import type { Amendment, FunctionChange, FunctionRegistry } from '../control/registry.ts';
import type { Resources } from '../control/resources.ts';
import type { FailedUpdate, UpdateState } from '../control/update-state.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { HearthError } from '../errors.ts';
import { InitFailure } from '../fleet/driver.ts';
import type { LocalFleet } from '../fleet/local-fleet.ts';
import type { Preparation } from '../fleet/readiness.ts';
import type { Found } from '../gateway/directory.ts';
import { deferred } from '../lib/deferred.ts';
import { errorMessage } from '../model/error-document.ts';
import type { FunctionUrl, FunctionVersion } from '../model/function-version.ts';
import type { FunctionLogs } from '../observe/function-logs.ts';
import type { Logger } from '../observe/logger.ts';
import { RolloutNotes, type Untried } from './rollout-notes.ts';
import { VersionStates } from './version-states.ts';

export interface RolloutDeps {
  readonly registry: FunctionRegistry;
  readonly resources: Resources;
  readonly fleet: LocalFleet;
  readonly dispatcher: Dispatcher;
  readonly logs: FunctionLogs;
  readonly log: Logger;
}

/** A revision on its way to serving. */
interface Candidate {
  readonly version: FunctionVersion;
  readonly ready: Promise<Preparation>;
}

/** How a revision is tried. */
interface Trial {
  /** What is done when its init phase fails and it is still wanted. */
  readonly failed: (error: unknown) => Promise<void>;
  /** Resolves when it may begin; rejects when it is not to be tried. At once unless given. */
  readonly begin?: () => Promise<void>;
  /** 1 unless given. */
  readonly tries?: number;
}

/**
 * Which revision of a function serves its callers. A new revision takes over from one that works once its own init phase has run, so
 * that nobody waits for it; when that fails, the one that works goes on and the change is undone, as on Lambda
 * (docs/decisions/0020-a-deploy-without-a-cold-start.md). The gateway asks here, the control plane its registry.
 */
export class Rollouts {
  readonly #deps: RolloutDeps;
  /** By name: what callers get. */
  readonly #serving = new Map<string, FunctionVersion>();
  readonly #candidates = new Map<string, Candidate>();
  /** Of those whose last change was undone. */
  readonly #failed = new Map<string, UpdateState>();
  /** What was changed by itself, since the revision that serves was the latest: no failure of an init phase undoes it. */
  readonly #amended = new Map<string, Set<Amendment>>();
  readonly #versions: VersionStates;
  readonly #notes: RolloutNotes;
  readonly #listening = deferred<void>();
  #ending = false;

  private constructor(deps: RolloutDeps) {
    this.#deps = deps;
    this.#versions = new VersionStates({ ...deps, failureOf });
    this.#notes = new RolloutNotes(deps);
  }

  /** Serves all that the registry has and follows its changes from now on. What was used last is made ready first. */
  static follow(deps: RolloutDeps): Rollouts {
    const rollouts = new Rollouts(deps);
    const lastUse = (v: FunctionVersion): number => deps.fleet.habits.find(v.functionId)?.idleSinceMs ?? Number.NEGATIVE_INFINITY;
    for (const version of deps.registry.serving().sort((a, b) => lastUse(b) - lastUse(a))) {
      const untried = version.version === '$LATEST' ? rollouts.#notes.find(version) : null;
      const serving = untried?.previous ?? version;
      if (version.version === '$LATEST') rollouts.#serving.set(version.name, serving);
      deps.fleet.revive(serving);
      if (untried !== null) rollouts.#tryAgain(version, untried);
    }
    deps.registry.onChange((change) => rollouts.#changed(change));
    return rollouts;
  }

  /** The server can be reached: what an earlier one was trying is tried again, since its init phase may call what is here. */
  listening(): void {
    this.#listening.resolve();
  }

  /** The server ends, and with it every init phase: what is being tried now is tried by the next one. */
  end(): void {
    this.#ending = true;
  }

  /** As the registry's, but the revision that serves. */
  resolve(name: string, qualifier: string | null): Found {
    const plain = qualifier === null || qualifier === '$LATEST' ? this.#serving.get(name) : undefined;
    if (plain !== undefined) return { version: plain, qualifier }; // the way of nearly every invocation
    const found = this.#deps.registry.resolve(name, qualifier);
    return { ...found, version: this.#served(found.version) };
  }

  /** The revision of a version that its callers get: of a function that is being changed, the one before. */
  serving(version: FunctionVersion): FunctionVersion {
    return this.#served(version);
  }

  /** A URL's configuration counts as soon as it is stored; what it runs is the revision that serves. */
  url(target: string, anyCase = false): (Found & { readonly url: FunctionUrl | null }) | null {
    const found = this.#deps.registry.url(target, anyCase);
    return found === null ? null : { ...found, version: this.#served(found.version) };
  }

  /** Throws SnapStartNotReadyException for a version whose snapshot is still being made. */
  requireReady(version: FunctionVersion): void {
    if (version.version !== '$LATEST') this.#versions.requireReady(version);
  }

  /** How the last change of a function stands, or the making of a numbered version. */
  state(version: FunctionVersion): UpdateState {
    if (version.version !== '$LATEST') return this.#versions.of(this.#deps.registry.find(version.name, version.version));
    if (this.#candidates.has(version.name)) return { status: 'InProgress' };
    return this.#failed.get(version.name) ?? { status: 'Successful' };
  }

  /**
   * Resolves once a version serves and, where it asks for it, has its snapshot; rejects as its init phase did. `taking`: it was to take over
   * from a revision that works, so that its failure has undone the change.
   */
  ready(version: FunctionVersion): { readonly taking: boolean; readonly ready: Promise<Preparation> } {
    const candidate = this.#candidates.get(version.name);
    if (candidate !== undefined && this.isTaking(version)) return { taking: true, ready: candidate.ready };
    return { taking: false, ready: this.#deps.fleet.deploy(version) };
  }

  /** Whether a version is still to take over from a revision that works. */
  isTaking(version: FunctionVersion): boolean {
    return this.#candidates.get(version.name)?.version.revisionId === version.revisionId;
  }

  /** Digests that a revision which still serves refers to, beside those of the registry. */
  inUse(): { code: Set<string>; dependencies: Set<string> } {
    const { code, dependencies } = this.#deps.registry.inUse();
    for (const version of this.#serving.values()) {
      code.add(version.codeSha256);
      if (version.dependencies !== null) dependencies.add(version.dependencies);
      for (const layer of version.layers ?? []) code.add(layer.codeSha256);
      if (version.layers !== undefined) dependencies.add(layersDigest(version.layers.map((l) => l.codeSha256)));
    }
    return { code, dependencies };
  }

  #served(version: FunctionVersion): FunctionVersion {
    return version.version === '$LATEST' ? (this.#serving.get(version.name) ?? version) : version;
  }

  #changed(change: FunctionChange): void {
    const of = 'version' in change ? change.version : change.previous;
    if (of.version === '$LATEST') this.#latestChanged(change);
    else this.#numberedChanged(change);
  }

  /** A numbered version is what it is: it serves from its publication on, and with another scaling from now on. */
  #numberedChanged(change: FunctionChange): void {
    if ('version' in change) {
      const { version } = change;
      this.#deps.fleet.serve(version);
      if (change.kind === 'published' && version.snapshot === 'onDeploy') this.#versions.prepare(version);
    }
    if ('previous' in change) this.#retire(change.previous);
    if (change.kind === 'unpublished') this.#versions.forget(change.previous);
  }

  #latestChanged(change: FunctionChange): void {
    if (change.kind === 'published' || change.kind === 'unpublished') return; // never of $LATEST
    const { name } = change.kind === 'removed' ? change.previous : change.version;
    this.#failed.delete(name);
    if (change.kind === 'created') {
      this.#serving.set(name, change.version);
      this.#deps.fleet.serve(change.version);
      return;
    }
    const overtaken = this.#candidates.get(name)?.version ?? null;
    this.#candidates.delete(name);
    if (overtaken !== null) this.#retire(overtaken);
    const serving = this.#serving.get(name) ?? change.previous;
    if (change.kind === 'removed') return this.#remove(serving);
    this.#amended.set(name, new Set([...(this.#amended.get(name) ?? []), ...amendments(change.version, change.previous)]));
    this.#take(change.version, serving);
  }

  #remove(serving: FunctionVersion): void {
    this.#serving.delete(serving.name);
    this.#amended.delete(serving.name);
    this.#retire(serving);
    this.#deps.fleet.habits.forget(serving.functionId);
  }

  #take(version: FunctionVersion, serving: FunctionVersion): void {
    // Nobody is served by what has not run yet, nor by what is switched off: nothing to wait for.
    if (!this.#deps.fleet.keeps(serving) || version.scaling.max === 0) return this.#promote(version, serving);
    this.#try(version, serving, { failed: (error) => this.#undo(version, serving, error) });
  }

  #tryAgain(version: FunctionVersion, { previous, amended, tries, over }: Untried): void {
    this.#amended.set(version.name, new Set(amended));
    const begin = async (): Promise<void> => {
      await this.#listening.promise;
      if (over) throw new HearthError('ServiceException', `The server has ended ${tries} times while its init phase ran.`);
    };
    this.#try(version, previous, { failed: (error) => this.#undo(version, previous, error), begin, tries: tries + 1 });
  }

  #try(version: FunctionVersion, serving: FunctionVersion, trial: Trial): void {
    this.#notes.begin(version, { previous: serving, amended: [...(this.#amended.get(version.name) ?? [])], tries: trial.tries ?? 1 });
    const candidate = { version, ready: this.#takeOver(version, serving, trial) };
    this.#candidates.set(version.name, candidate);
    candidate.ready.catch(() => undefined); // whoever deployed is told; there may be nobody
  }

  async #takeOver(version: FunctionVersion, serving: FunctionVersion, { failed, begin }: Trial): Promise<Preparation> {
    const current = (): boolean => this.#candidates.get(version.name)?.version === version;
    try {
      if (begin !== undefined) await begin();
      const preparation = await this.#deps.fleet.takeOver(version, serving);
      if (current()) this.#settle(version, serving);
      return preparation;
    } catch (error) {
      if (current() && this.#ending) throw new HearthError('ServiceUnavailable', ENDING, { cause: error });
      if (current()) await failed(error);
      throw error;
    }
  }

  #settle(version: FunctionVersion, serving: FunctionVersion): void {
    this.#candidates.delete(version.name);
    this.#promote(version, serving);
  }

  #promote(version: FunctionVersion, serving: FunctionVersion): void {
    this.#notes.end(version);
    this.#amended.delete(version.name);
    this.#serving.set(version.name, version);
    this.#deps.fleet.serve(version);
    this.#retire(serving);
  }

  /** What serves goes on. It stays a candidate until the registry has it back, so that no caller of the API sees it half undone. */
  async #undo(version: FunctionVersion, serving: FunctionVersion, error: unknown): Promise<void> {
    const { registry, log } = this.#deps;
    log.warn({ err: error, function: version.name }, 'the init phase of a new revision failed: the one before it serves on');
    this.#retire(version);
    try {
      const back = await registry.undo(version, serving, [...(this.#amended.get(version.name) ?? [])]);
      if (back === null) return;
      this.#failed.set(version.name, failureOf(error));
      // What was reserved meanwhile counts: the same code takes over from itself, with or without a head start.
      if (back.revisionId !== serving.revisionId) return this.#try(back, serving, { failed: async () => this.#settle(back, serving) });
      this.#notes.end(back);
      this.#amended.delete(back.name);
      this.#serving.set(back.name, back);
    } catch (err) {
      log.error({ err, revisionId: version.revisionId }, 'a change whose init phase failed could not be undone in the database');
    } finally {
      if (this.#candidates.get(version.name)?.version === version) this.#candidates.delete(version.name);
    }
  }

  /** Ends a revision when what was begun with it is done; the last of a function that is gone takes its log with it. */
  #retire({ revisionId, name }: FunctionVersion): void {
    const { dispatcher, fleet, log, logs, registry } = this.#deps;
    dispatcher
      .retire(revisionId)
      .then(() => fleet.retire(revisionId))
      .then(() => (registry.get(name) === null ? logs.remove(name) : undefined))
      .catch((err: unknown) => log.error({ err, revisionId }, 'a revision could not be retired'));
  }
}

const ENDING =
  'The server ends while the init phase runs: what served before serves, and the change is tried again when the server is started.';

const AMENDMENTS: readonly Amendment[] = ['tags', 'url', 'scaling'];

/** What a change is of, where it is of nothing else. */
function amendments(version: FunctionVersion, previous: FunctionVersion): Amendment[] {
  const { tags: _1, url: _2, scaling: _3, revisionId: _4, modifiedAtMs: _5, ...made } = version;
  const others = Object.entries(made).some(([member, value]) => !isDeepStrictEqual(value, previous[member as keyof FunctionVersion]));
  return others ? [] : AMENDMENTS.filter((member) => !isDeepStrictEqual(version[member], previous[member]));
}

function failureOf(error: unknown): FailedUpdate {
  if (!(error instanceof InitFailure)) return { status: 'Failed', reasonCode: 'InternalError', reason: (error as Error).message };
  const reasonCode = error.errorType === 'Sandbox.Timedout' ? 'FunctionError.InitTimeout' : 'FunctionError.RuntimeInitError';
  return { status: 'Failed', reasonCode, reason: `${error.errorType}: ${errorMessage(error.body)}` };
}
