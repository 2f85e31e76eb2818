import { isDeepStrictEqual } from 'node:util';
import type { Build, BuildProgress } from '../../artifacts/artifacts.ts';
import { HearthError } from '../../errors.ts';
import { deadLetterConfig } from '../../model/async-manifest.ts';
import { functionArn, type FunctionUrl, type FunctionVersion } from '../../model/function-version.ts';
import type { InitReport } from '../../model/instance.ts';
import { loggingFrom } from '../../model/logging-manifest.ts';
import type { FunctionManifest } from '../../model/manifest.ts';
import { triggerKind } from '../../model/triggers.ts';
import { functionUrl } from '../function-url.ts';
import type { FunctionSettings } from '../registry.ts';
import type { DeployedFrom } from '../resources.ts';
import type { OwnDeps } from './api.ts';
import { holdToBudget } from './init-budget.ts';
import { missingDestinations, type MissingDestination } from './missing-destinations.ts';
import { configure, forgetPending, invokedBy, keepPending } from './pending-deployment.ts';

export interface DeployRequest {
  readonly name: string;
  readonly source: Buffer;
  readonly manifest: FunctionManifest;
  /** The file that says so; null: not known. */
  readonly from: DeployedFrom | null;
  /** Longest that its init phase may take, milliseconds: else nothing is deployed. Null: any time. */
  readonly initBudgetMs: number | null;
  readonly endpoint: string;
  readonly progress: (p: BuildProgress | { step: 'budget' | 'register' | 'prepare'; message: string }) => void;
}

/** What a deployment made of a function. */
export interface Deployed {
  readonly functionName: string;
  readonly version: string;
  readonly revisionId: string;
  readonly functionArn: string;
  readonly created: boolean;
  /** Code and configuration were already so: no new revision was made. */
  readonly unchanged: boolean;
  readonly url: string | null;
  readonly warnings: readonly string[];
  /** Destinations that are not there, as far as it is known now: another deployment may be making them. */
  readonly missing: readonly MissingDestination[];
  readonly init: InitReport | null;
  /** How its init phase failed, and will in every invocation: deployed all the same, since it is new or did not work before. Null: it did not. */
  readonly initError: { readonly errorType: string; readonly errorMessage: string } | null;
  /** The file that it was deployed from before, where that is another one than now. */
  readonly before: DeployedFrom | null;
}

/**
 * Builds the source and makes the function what the manifest says, in its turn; the init phase is waited for out of it. Throws BuildFailed, InitBudgetExceeded
 * and whatever the registry throws.
 */
export async function deploy(request: DeployRequest, deps: OwnDeps): Promise<Deployed> {
  const { name, manifest } = request;
  const { version, created, unchanged, isLast, preparing } = await deps.deployments.take(name, () => begin(request, deps));
  const turn = <T>(task: () => Promise<T>): Promise<T | false> => deps.deployments.take(name, async () => isLast() && (await task()));
  const { init, initError, warnings } = await preparing.catch(async (error: unknown) => {
    await turn(() => forgetPending(name, deps, error));
    throw error;
  });
  const ended = await turn(() => end(request, { version, created }, deps));
  const overtaken = ended === false;
  return {
    functionName: name,
    version: version.version,
    revisionId: version.revisionId,
    functionArn: functionArn(version),
    created,
    unchanged,
    url: functionUrl(version, request.endpoint),
    warnings: [
      ...(await runtimeWarnings(manifest.runtime, deps)),
      ...manifestWarnings(manifest, deps),
      ...warnings,
      ...(overtaken ? ['a later deployment, or the removal of the function, came before this one was ready'] : []),
    ],
    missing: missingDestinations(manifest, deps),
    init,
    initError,
    before: overtaken ? null : ended,
  };
}

/** A change may still be undone, and what invokes the function would not be: so it changes last. What is new has nothing to go back to. */
async function end(
  { name, manifest, from }: DeployRequest,
  { version, created }: Pick<Begun, 'version' | 'created'>,
  deps: OwnDeps,
): Promise<DeployedFrom | null> {
  try {
    if (!created) await configure(version, invokedBy(manifest), deps);
  } catch (error) {
    await forgetPending(name, deps, error);
    throw error;
  }
  await forgetPending(name, deps);
  return from === null ? null : keepOrigin(version, from, deps);
}

/** Remembers where a function comes from; gives where it came from before, if that is somewhere else. */
async function keepOrigin({ functionId }: FunctionVersion, from: DeployedFrom, { resources }: OwnDeps): Promise<DeployedFrom | null> {
  const key = `${functionId}/`;
  const before = resources.get('deployed-from', key);
  if (before?.host === from.host && before.file === from.file) return null;
  await resources.put('deployed-from', key, from, functionId);
  return before;
}

/** A deployment whose function is what the manifest says. */
interface Begun {
  readonly version: FunctionVersion;
  readonly created: boolean;
  readonly unchanged: boolean;
  /** Whether no other has come since. */
  readonly isLast: () => boolean;
  readonly preparing: ReturnType<typeof prepared>;
}

async function begin(request: DeployRequest, deps: OwnDeps): Promise<Begun> {
  const { name, source, manifest, progress } = request;
  const build = await deps.artifacts.build({
    source,
    runtime: manifest.runtime,
    handler: manifest.handler,
    installScripts: manifest.installScripts,
    progress,
  });
  const settings = settingsOf(manifest, build);
  if (request.initBudgetMs !== null) {
    progress({ step: 'budget', message: 'measuring the init phase' });
    await holdToBudget(deps.registry.draft(name, settings), request.initBudgetMs, deps.platform);
  }
  await keepPending(request, deps);
  try {
    const registered = await register(request, settings, deps);
    const { version, created, unchanged } = registered;
    const isLast = deps.deployments.registered(name);
    progress({ step: 'register', message: unchanged ? 'unchanged' : `revision ${version.revisionId}` });
    if (created) await configure(version, invokedBy(manifest), deps);
    if (manifest.snapshot === 'onDeploy') progress({ step: 'prepare', message: 'running the init phase' });
    const preparing = prepared(version, deps); // asked for in its turn: of a revision that was overtaken nothing would be known
    preparing.catch(() => undefined);
    return { ...registered, isLast, preparing };
  } catch (error) {
    await forgetPending(name, deps, error);
    throw error;
  }
}

/** Creates the function, or changes it if it is another. */
async function register(
  { name, manifest }: Pick<DeployRequest, 'name' | 'manifest'>,
  built: FunctionSettings,
  deps: OwnDeps,
): Promise<{ version: FunctionVersion; created: boolean; unchanged: boolean }> {
  const settings = (present: FunctionVersion | null): FunctionSettings => {
    const kept = keptOf(present?.kept, manifest, deps);
    return { ...built, url: urlOf(built.url, present?.url ?? null), ...(kept === undefined ? {} : { kept }) };
  };
  const present = deps.registry.get(name);
  if (present === null) return { version: await deps.registry.create(name, settings(null)), created: true, unchanged: false };
  // Of what is there when its turn comes: Lambda's API may be changing it at this moment.
  const wanted = (now: FunctionVersion): FunctionSettings => ({ ...settings(now), role: now.role, architecture: now.architecture });
  const same = Object.entries(wanted(present)).every(([key, value]) => isDeepStrictEqual(value, present[key as keyof FunctionSettings]));
  if (same) return { version: present, created: false, unchanged: true };
  return { version: await deps.registry.update(name, wanted), created: false, unchanged: false };
}

/** What Lambda's API keeps of a function, with the dead letters that the manifest says. */
function keptOf(present: FunctionSettings['kept'], { async }: FunctionManifest, { registry }: OwnDeps): FunctionSettings['kept'] {
  const { DeadLetterConfig: _, ...others } = present ?? {};
  const config = deadLetterConfig(async, registry.scope);
  if (config !== null) return { ...others, DeadLetterConfig: config };
  return present === undefined ? undefined : others;
}

/** The URL that a manifest asks for, with what only Lambda's API says of it: CORS, and when it was made. */
function urlOf(wanted: FunctionUrl | null, present: FunctionUrl | null): FunctionUrl | null {
  if (wanted === null || present === null) return wanted;
  const mode = (url: FunctionUrl): string => url.invokeMode ?? 'BUFFERED';
  if (wanted.auth === present.auth && mode(wanted) === mode(present)) return present;
  const { auth: _1, invokeMode: _2, modifiedAtMs: _3, ...others } = present;
  return { ...others, ...wanted };
}

function settingsOf(manifest: FunctionManifest, build: Build): FunctionSettings {
  const { min, max, concurrency, keepAlive } = manifest.scaling;
  const http = manifest.triggers.find((t) => t.http !== undefined)?.http;
  const auth = manifest.url?.auth ?? http?.auth;
  return {
    runtime: manifest.runtime,
    handler: manifest.handler,
    memoryMb: manifest.memoryMb,
    timeoutMs: manifest.timeoutSeconds * 1000,
    ephemeralStorageMb: manifest.ephemeralStorageMb,
    environment: manifest.environment,
    description: manifest.description,
    role: 'arn:aws:iam::000000000000:role/hearth',
    tags: manifest.tags,
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
    codeSha256: build.code.sha256,
    codeBytes: build.code.bytes,
    dependencies: build.dependencies,
    scaling: {
      min,
      max,
      concurrency,
      keepAliveMs: typeof keepAlive === 'number' ? keepAlive * 1000 : null,
      keepAlive: typeof keepAlive === 'number' ? 'fixed' : (keepAlive ?? 'server'),
    },
    snapshot: manifest.snapshot,
    logging: loggingFrom(manifest.logging),
    rehearsal: manifest.rehearse === undefined ? null : JSON.stringify(manifest.rehearse),
    url: auth === undefined ? null : { auth: auth === 'none' ? 'NONE' : 'AWS_IAM', ...invokeMode(manifest) },
  };
}

/** Said only where it is not what every URL does. */
function invokeMode({ url }: FunctionManifest): Pick<FunctionUrl, 'invokeMode'> {
  return url?.invokeMode === 'response_stream' ? { invokeMode: 'RESPONSE_STREAM' } : {};
}

/**
 * A new function is deployed whatever its init phase does, as on Lambda; but its author hears of it now, not from the first caller. A
 * change of one that works is not: then throws InitFailed.
 */
async function prepared(version: FunctionVersion, deps: OwnDeps): Promise<Pick<Deployed, 'init' | 'initError' | 'warnings'>> {
  try {
    const { init, failure, inheritedBytes } = await deps.platform.prepare(version);
    if (failure?.undone === true) {
      const why = `the init phase failed: ${failure.errorType}: ${failure.errorMessage}`;
      throw new HearthError('InitFailed', `${why.replace(/\.$/, '')}. Nothing was changed: what served before serves on.`);
    }
    const initError = failure === null ? null : { errorType: failure.errorType, errorMessage: failure.errorMessage };
    return { init, initError, warnings: memoryWarnings(version.memoryMb, inheritedBytes) };
  } catch (error) {
    if (!(error instanceof HearthError) || error.code === 'InitFailed' || deps.platform.isTaking(version)) throw error;
    return { init: null, initError: null, warnings: [`the init phase could not be run yet: ${error.message}`] };
  }
}

const MIB = 1024 * 1024;

/** What the init phase made counts as an instance's from its first moment, though it shares it: with more of it than it may have, it is killed as soon as a call takes long enough to be looked at. */
function memoryWarnings(memoryMb: number, bytes: number | null): string[] {
  if (bytes === null || bytes <= memoryMb * MIB) return [];
  const held = Math.ceil(bytes / MIB);
  const enough = Math.ceil((held * 1.5) / 128) * 128;
  return [
    `every instance begins with ${held} MB, which its init phase made, and is killed for more than memoryMb: ${memoryMb}; set memoryMb: ${enough} or more`,
  ];
}

async function runtimeWarnings(runtime: string, deps: OwnDeps): Promise<string[]> {
  if (runtime.startsWith('provided') || (await deps.interpreters.find(runtime)) !== null) return [];
  const found = (await deps.interpreters.found()).map((i) => `${i.language} ${i.version} (${i.path})`).join(', ') || 'none';
  return [`no interpreter on this machine runs ${runtime}, so every invocation will fail until there is one; found: ${found}`];
}

function manifestWarnings(manifest: FunctionManifest, deps: OwnDeps): string[] {
  const unserved = new Set(manifest.triggers.map(triggerKind).filter((kind) => !deps.triggers.serves(kind)));
  return [...unserved].map((kind) => `triggers of the kind ${kind} are not served yet: nothing invokes the function by it`);
}
