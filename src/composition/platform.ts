import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type {
  EvictTo,
  Evicted,
  InstanceSummary,
  Platform,
  Preparation,
  Resident,
  PlainSummary,
  SnapshotSummary,
  Status,
} from '../control/own/platform.ts';
import { HearthError } from '../errors.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { InitFailure, type Driver } from '../fleet/driver.ts';
import type { LocalFleet } from '../fleet/local-fleet.ts';
import type { MemoryGauge } from '../fleet/memory-gauge.ts';
import type { Provision } from '../fleet/provision.ts';
import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import { errorMessage } from '../model/error-document.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InitReport } from '../model/instance.ts';
import { usageReport } from '../metering/report.ts';
import type { UsageRecorder } from '../metering/usage-recorder.ts';
import type { FunctionLogs } from '../observe/function-logs.ts';
import { watchLag } from '../observe/lag.ts';
import { runtimeName, type Catalogue } from '../runtimes/catalogue.ts';
import { report, type Abilities } from '../sandbox/abilities.ts';
import type { PostgresStore } from '../store/postgres-store.ts';
import type { Rollouts } from './rollouts.ts';
import { tryInit } from './init-trial.ts';

export interface PlatformDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly fleet: LocalFleet;
  readonly dispatcher: Pick<Dispatcher, 'running'>;
  readonly drivers: readonly Driver[];
  readonly memory: MemoryGauge;
  readonly catalogue: Catalogue;
  readonly abilities: Abilities;
  /** What functions turned out to lack of the sandbox, in words. */
  readonly gaps: () => readonly string[];
  readonly store: PostgresStore;
  readonly recorder: UsageRecorder;
  readonly logs: FunctionLogs;
  readonly provision: Provision;
  readonly ids: Ids;
  readonly rollouts: Rollouts;
}

/** What Hearth's own API asks of the running system. */
export function platform(deps: PlatformDeps): Platform {
  const startedAtMs = deps.clock.now();
  const { fleet, store, recorder, logs } = deps;
  return {
    status: (endpoint) => status(deps, startedAtMs, endpoint),
    lag: (forMs) => watchLag(deps.clock, forMs),
    occupancy: (version) => occupancy(fleet, deps.rollouts.serving(version)),
    resident: (name) => resident(deps, name),
    evict: (version, to) => evict(deps, version, to),
    prepare: (version) => prepare(deps, version),
    isTaking: (version) => deps.rollouts.isTaking(version),
    tryInit: (version) => reported(() => tryInit(version, deps)),
    logs: (query) => logs.read(query),
    followLogs: (listener) => logs.follow(listener),
    async usage(query) {
      await recorder.flush();
      const name = query.functionName === undefined ? {} : { functionName: query.functionName };
      const totals = await store.usage.totals({ fromMs: query.fromMs ?? 0, toMs: query.toMs, ...name });
      return usageReport(totals, query, deps.config.metering);
    },
    async usageRecords(query) {
      await recorder.flush();
      return store.usage.recent(query);
    },
    async attempts(requestId) {
      await recorder.flush();
      return store.usage.attempts(requestId);
    },
  };
}

/** Says what is known without asking anybody: to end a server one asks it for its status. */
function status(deps: PlatformDeps, startedAtMs: number, endpoint: string): Status {
  return {
    version: packageVersion(),
    pid: process.pid,
    startedAtMs,
    home: deps.config.home,
    endpoint,
    database: deps.store.database,
    runtimes: deps.catalogue.known().map((i) => ({ name: runtimeName(i), language: i.language, path: i.path, version: i.version })),
    sandbox: report(deps.abilities, deps.gaps()),
    instances: deps.fleet.roster.count,
    running: deps.dispatcher.running,
    drainMs: deps.config.limits.drainMs,
    memory: { totalBytes: deps.memory.totalBytes, availableBytes: deps.memory.availableBytes() },
  };
}

function packageVersion(): string {
  const path = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/** An init phase that fails by the function's doing is a result. */
async function reported(init: () => Promise<InitReport | null>): Promise<Preparation> {
  try {
    return { init: await init(), failure: null, inheritedBytes: null };
  } catch (error) {
    if (!(error instanceof InitFailure)) throw error;
    return { init: null, failure: { errorType: error.errorType, errorMessage: errorMessage(error.body) }, inheritedBytes: null };
  }
}

async function prepare({ rollouts, fleet }: PlatformDeps, version: FunctionVersion): Promise<Preparation> {
  const { taking, ready } = rollouts.ready(version);
  const { init, failure } = await reported(async () => (await ready).init).catch((error: unknown) => {
    // What was to take over and could not even be tried is undone like what failed; unless it is still to be tried, by the next server.
    if (!taking || rollouts.isTaking(version) || !(error instanceof HearthError)) throw error;
    return { init: null, failure: { errorType: error.code, errorMessage: error.message } };
  });
  const state = fleet.residences.get(version.revisionId)?.state;
  const inheritedBytes = state?.kind === 'snapshot' ? state.snapshot.inheritedBytes() : null;
  return { init, failure: failure === null ? null : { ...failure, undone: taking }, inheritedBytes };
}

function occupancy(fleet: LocalFleet, version: FunctionVersion): ReturnType<Platform['occupancy']> {
  const kind = fleet.residences.get(version.revisionId)?.state.kind;
  const resident = kind === 'snapshot' || kind === 'plain' ? kind : 'nothing';
  const { revisionId } = version;
  return {
    instances: fleet.roster.of(revisionId).size,
    resident,
    stay: fleet.outlook(revisionId),
    shortfall: fleet.shortfall(revisionId),
  };
}

async function resident({ fleet, drivers }: PlatformDeps, name: string | null): Promise<Resident> {
  const ours = (v: FunctionVersion): boolean => name === null || v.name === name;
  const instances = [...fleet.roster.all()]
    .filter((i) => ours(i.version))
    .map(async (i): Promise<InstanceSummary> => ({
      id: i.id,
      function: i.version.name,
      version: i.version.version,
      revisionId: i.version.revisionId,
      pid: i.pid,
      state: i.state,
      rung: i.start.rung,
      startedAtMs: i.startedAtMs,
      idleSinceMs: i.idleAtMs,
      invocations: i.invocations,
      memoryBytes: await i.memoryBytes(),
    }));
  const snapshots = [...fleet.residences.values()].map(async (r): Promise<SnapshotSummary[]> => {
    if (r.state.kind !== 'snapshot' || !ours(r.version)) return [];
    const { snapshot, madeAtMs } = r.state;
    const memoryBytes = await snapshot.memoryBytes();
    const { name: of, version, revisionId } = r.version;
    const { forks: starts, failedForks } = r;
    const { init, pid } = snapshot;
    return [{ function: of, version, revisionId, pid, madeAtMs, initMs: init.durationMs, memoryBytes, starts, failedForks }];
  });
  const plain = [...fleet.residences.values()].flatMap((r): PlainSummary[] =>
    r.state.kind === 'plain' && ours(r.version)
      ? [
          {
            function: r.version.name,
            version: r.version.version,
            revisionId: r.version.revisionId,
            reason: r.state.reason,
            failedForks: r.failedForks,
          },
        ]
      : [],
  );
  const zygotes = (await Promise.all(drivers.map((d) => d.runtimes()))).flat();
  return { instances: await Promise.all(instances), snapshots: (await Promise.all(snapshots)).flat(), plain, zygotes };
}

async function evict({ fleet, drivers }: PlatformDeps, version: FunctionVersion, to: EvictTo): Promise<Evicted> {
  const instances = (await Promise.all(fleet.endIdle(version.revisionId))).length;
  if (to === 'snapshot') return { instances, snapshots: 0, zygotes: 0 };
  const snapshots = (await fleet.residences.get(version.revisionId)?.evict()) === true ? 1 : 0;
  if (to === 'zygote') return { instances, snapshots, zygotes: 0 };
  const zygotes = (await Promise.all(drivers.map((d) => d.evictRuntimes()))).reduce((sum, n) => sum + n, 0);
  return { instances, snapshots, zygotes };
}
