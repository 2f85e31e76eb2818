import { Dispatcher } from '../../src/dispatch/dispatcher.ts';
import { SimulatedDriver, type Behaviour } from '../../src/drivers/simulated/simulated-driver.ts';
import type { Ids } from '../../src/lib/ids.ts';
import { LocalFleet } from '../../src/fleet/local-fleet.ts';
import type { ResidencyOptions } from '../../src/fleet/residency.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import type { Invocation } from '../../src/model/invocation.ts';
import { aVersion } from '../../src/model/testing/a-version.ts';
import type { UsageRecord } from '../../src/model/usage.ts';
import { percentile } from '../stats.ts';
import { IdleMeter, type Sizes } from './meter.ts';
import type { Trace, TracedFunction } from './trace.ts';

export interface ReplayOptions {
  readonly residency: Partial<ResidencyOptions>;
  /** Of the fixed policy, milliseconds: instances and snapshots alike. */
  readonly keepMs: number;
  /** What comes before is for learning, and counts for nothing. */
  readonly fromMs: number;
}

/** What a trace met with. */
export interface Replayed {
  /** Share of its calls, in percent, that the app at the 75th percentile had to wait for an init phase in. */
  readonly p75ColdShare: number;
  /** Calls that waited for an init phase. */
  readonly coldStarts: number;
  /** How long they waited together. */
  readonly coldSeconds: number;
  readonly idleGbSeconds: number;
  /** Calls for which an instance was forked from a snapshot that was there: milliseconds each. */
  readonly restores: number;
  readonly calls: number;
  /** Calls that got no answer. */
  readonly failures: number;
}

const MIB = 1024 * 1024;
/** What a forked instance has of its own, as a share of its snapshot (measured: 2 of 40 MB for hello, 12 of 130 for a detector). */
const OWN_SHARE = 0.1;
const RUNTIME_MS = 50;
const FORK_MS = 8;
/** Nothing in a simulation lives longer without being looked at. */
const LINGER_MS = 60_000;
const BODY = Buffer.from('{}');

/** Replays a trace through the real dispatch and fleet, over the simulated driver and a clock that is turned. */
export async function replay(trace: Trace, options: ReplayOptions): Promise<Replayed> {
  const clock = new VirtualClock();
  const byName = new Map(trace.functions.map((f) => [f.name, behaviourOf(f)]));
  const meter = new IdleMeter(clock, options.fromMs, new Map([...byName].map(([name, b]) => [name, sizesOf(b)])));
  const driver = new SimulatedDriver(clock, (name) => byName.get(name) as Behaviour, meter);
  const fleet = new LocalFleet({
    clock,
    ids: counting(),
    memory: { totalBytes: Number.MAX_SAFE_INTEGER, availableBytes: () => Number.MAX_SAFE_INTEGER },
    provision: {
      driver: () => driver,
      startSpec: async (version) => ({
        version,
        taskRoot: '',
        dependencyRoot: null,
        environment: {},
        initTimeoutMs: 130_000,
        onDemand: true,
      }),
      log: () => ({ line: () => undefined }),
      printed: (log) => log,
    },
    limits: { reserveBytes: 0, instances: 100_000, startsAtOnce: 1_000, forksAtOnce: 1_000 },
    keep: { lingerMs: LINGER_MS, keepAliveMs: options.keepMs, snapshotKeepMs: options.keepMs },
    residency: options.residency,
  });
  const tally = new Tally(trace, options.fromMs);
  const dispatcher = new Dispatcher({
    worker: fleet,
    clock,
    usage: { record: (usage) => tally.add(usage) },
    limits: { queueLength: 10_000, queueMs: 60_000 },
    billedMs: (durationMs) => Math.ceil(durationMs),
  });
  for (const f of trace.functions) {
    const version = versionOf(f, options.keepMs);
    fleet.serve(version);
    call(f, version, { clock, dispatcher, failed: () => tally.failures++ });
  }
  await clock.replay(trace.lengthMs);
  const result = tally.result(meter.gbSeconds);
  await fleet.close();
  return result;
}

/** Calls a function when its time comes, and sees to the next. */
function call(
  f: TracedFunction,
  version: FunctionVersion,
  parts: { clock: VirtualClock; dispatcher: Dispatcher; failed: () => void },
): void {
  const { clock, dispatcher, failed } = parts;
  let next = 0;
  const arm = (): void => {
    const at = f.arrivalsMs[next++];
    if (at !== undefined) clock.after(at - clock.monotonic(), arrive);
  };
  const arrive = (): void => {
    dispatcher.invoke(version, invocationAt(clock.monotonic())).catch(failed);
    arm();
  };
  arm();
}

function invocationAt(receivedAtMs: number): Invocation {
  return { requestId: 'r', attempt: 1, body: BODY, invokedArn: '', traceId: '', clientContext: '', lineage: '', receivedAtMs };
}

function behaviourOf(f: TracedFunction): Behaviour {
  const act = { ms: f.durationMs, body: BODY };
  return {
    initMs: f.initMs,
    forkMs: FORK_MS,
    runtimeMs: RUNTIME_MS,
    memoryBytes: f.memoryMb * MIB,
    forkedBytes: Math.max(2 * MIB, f.memoryMb * MIB * OWN_SHARE),
    handler: () => act,
  };
}

function sizesOf(b: Behaviour): Sizes {
  return { snapshotBytes: b.memoryBytes, instanceBytes: b.forkedBytes ?? b.memoryBytes };
}

function versionOf(f: TracedFunction, keepAliveMs: number): FunctionVersion {
  return aVersion({
    functionId: f.name,
    name: f.name,
    revisionId: f.name,
    memoryMb: 10_240,
    timeoutMs: 24 * 3_600_000,
    scaling: { min: 0, max: null, concurrency: 1, keepAliveMs, keepAlive: 'server' },
    snapshot: 'onFirstUse',
  });
}

function counting(): Ids {
  let n = 0;
  const next = () => `i-${n++}`;
  return { uuid: next, ordered: next };
}

/** Counts calls and cold starts by app. */
class Tally {
  readonly #appOf: ReadonlyMap<string, { calls: number; cold: number }>;
  readonly #apps: { calls: number; cold: number }[];
  readonly #fromMs: number;
  #calls = 0;
  #cold = 0;
  #coldMs = 0;
  #restores = 0;
  failures = 0;

  constructor(trace: Trace, fromMs: number) {
    const apps = new Map([...new Set(trace.functions.map((f) => f.app))].map((app) => [app, { calls: 0, cold: 0 }]));
    this.#apps = [...apps.values()];
    this.#appOf = new Map(trace.functions.map((f) => [f.name, apps.get(f.app) as { calls: number; cold: number }]));
    this.#fromMs = fromMs;
  }

  add(usage: UsageRecord): void {
    if (usage.startedAtMs - usage.coldMs < this.#fromMs) return;
    const app = this.#appOf.get(usage.functionName) as { calls: number; cold: number };
    app.calls++;
    this.#calls++;
    if (usage.coldRung === null) return;
    if (usage.coldRung === 'snapshot') {
      this.#restores++;
      return;
    }
    app.cold++;
    this.#cold++;
    this.#coldMs += usage.coldMs;
  }

  result(idleGbSeconds: number): Replayed {
    const shares = this.#apps.filter((a) => a.calls > 0).map((a) => (100 * a.cold) / a.calls);
    return {
      p75ColdShare: shares.length === 0 ? 0 : percentile(Float64Array.from(shares).sort(), 75),
      coldStarts: this.#cold,
      coldSeconds: this.#coldMs / 1000,
      idleGbSeconds,
      restores: this.#restores,
      calls: this.#calls,
      failures: this.failures,
    };
  }
}
