import { Dispatcher } from '../../src/dispatch/dispatcher.ts';
import { SimulatedDriver, type Behaviour } from '../../src/drivers/simulated/simulated-driver.ts';
import { LocalFleet } from '../../src/fleet/local-fleet.ts';
import type { FleetLimits } from '../../src/fleet/start-budget.ts';
import type { ResidencyOptions } from '../../src/fleet/residency.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import { aVersion } from '../../src/model/testing/a-version.ts';
import type { Invocation } from '../../src/model/invocation.ts';
import type { UsageRecord } from '../../src/model/usage.ts';

const MIB = 1024 * 1024;

export const QUICK: Behaviour = {
  initMs: 500,
  forkMs: 5,
  runtimeMs: 100,
  memoryBytes: 20 * MIB,
  handler: () => ({ ms: 10, body: Buffer.from('"ok"') }),
};

export function version(change: Partial<FunctionVersion> = {}): FunctionVersion {
  return aVersion({ functionId: 'f-1', name: 'hello', revisionId: 'r-1', architecture: 'x86_64', ...change });
}

export interface World {
  readonly clock: VirtualClock;
  readonly fleet: LocalFleet;
  readonly dispatcher: Dispatcher;
  readonly usage: UsageRecord[];
  readonly lines: string[];
  readonly driver: SimulatedDriver;
  /** What the function does; change it at will. */
  readonly behaviour: { -readonly [K in keyof Behaviour]: Behaviour[K] };
  /** Bytes the machine has free; change it at will. */
  readonly memory: { availableBytes: number };
  invocation(): Invocation;
}

/** The real dispatch and fleet over the simulated driver and a clock that is turned by hand. */
export function world(
  options: {
    behaviour?: Partial<Behaviour>;
    limits?: Partial<FleetLimits>;
    queue?: { queueLength: number; queueMs: number };
    residency?: Partial<ResidencyOptions>;
    keepAliveMs?: number;
    snapshotKeepMs?: number;
  } = {},
): World {
  const clock = new VirtualClock(1_000_000);
  const behaviour = { ...QUICK, ...options.behaviour };
  const driver = new SimulatedDriver(clock, () => behaviour);
  const usage: UsageRecord[] = [];
  const lines: string[] = [];
  const memory = { availableBytes: 64 * 1024 * MIB };
  let ids = 0;
  const uuid = () => `00000000-0000-4000-8000-${String(ids++).padStart(12, '0')}`;
  const fleet = new LocalFleet({
    clock,
    ids: { uuid, ordered: uuid },
    memory: { totalBytes: memory.availableBytes, availableBytes: () => memory.availableBytes },
    provision: {
      driver: () => driver,
      startSpec: async (v, o) => ({
        version: v,
        taskRoot: '/none',
        dependencyRoot: null,
        environment: {},
        initTimeoutMs: o.onDemand ? 10_000 : 130_000,
        onDemand: o.onDemand,
      }),
      log: () => ({ line: (requestId, text) => lines.push(`${requestId ?? '-'} ${text}`) }),
      printed: (log) => log,
    },
    limits: { reserveBytes: 512 * MIB, instances: 10_000, startsAtOnce: 8, forksAtOnce: 8, ...options.limits },
    keep: { lingerMs: 50, keepAliveMs: options.keepAliveMs ?? 600_000, snapshotKeepMs: options.snapshotKeepMs ?? 3_600_000 },
    residency: options.residency ?? {},
  });
  const dispatcher = new Dispatcher({
    worker: fleet,
    clock,
    usage: { record: (u) => usage.push(u) },
    limits: options.queue ?? { queueLength: 100, queueMs: 1_000 },
    billedMs: (d, i) => Math.ceil(d + i),
  });
  const invocation = (): Invocation => ({
    requestId: uuid(),
    attempt: 1,
    body: Buffer.from('{}'),
    invokedArn: 'arn',
    traceId: '',
    clientContext: '',
    lineage: '',
    receivedAtMs: clock.monotonic(),
  });
  return { clock, fleet, dispatcher, usage, lines, driver, behaviour, memory, invocation };
}
