import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config/config.ts';
import { HearthError } from '../errors.ts';
import type { Driver, LogSink, StartSpec } from '../fleet/driver.ts';
import type { Provision } from '../fleet/provision.ts';
import type { Clock } from '../lib/clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { FunctionLogs } from '../observe/function-logs.ts';
import { explainingTakenPorts } from './taken-ports.ts';
import type { Abilities } from '../sandbox/abilities.ts';
import { functionEnvironment, type EnvironmentOptions } from '../runtimes/environment.ts';

export interface ProvisionDeps {
  readonly drivers: readonly Driver[];
  readonly artifacts: Artifacts;
  readonly logs: FunctionLogs;
  readonly clock: Clock;
  /** Where functions find Hearth, and what they sign with; asked when an instance is started. */
  readonly aws: () => EnvironmentOptions['aws'];
  /** Connection string of the database `app`; null when there is none of ours. */
  readonly databaseUrl: string | null;
  readonly abilities: Pick<Abilities, 'noLoopbacks'>;
  readonly limits: Pick<Config['limits'], 'initMs' | 'deployInitMs'>;
}

/** What a rehearsal may add to an init phase: the handler a few times over, and libraries' threads that leave when they have had nothing to do. */
const REHEARSAL_MS = 30_000;

const PATH = '/usr/local/bin:/usr/bin:/bin';

/** What the fleet needs to start a version, from the parts that have it. */
export function provision(deps: ProvisionDeps): Provision {
  return {
    driver: (runtime) => driverFor(deps.drivers, runtime),
    startSpec: (version, options) => startSpec(deps, version, options),
    log: (version, logStream) => logSink(deps, version, logStream),
    printed: (log) => explainingTakenPorts(log, deps.abilities.noLoopbacks),
  };
}

function driverFor(drivers: readonly Driver[], runtime: string): Driver {
  const driver = drivers.find((d) => d.supports(runtime));
  if (driver !== undefined) return driver;
  throw new HearthError('InvalidParameterValueException', `nothing here runs '${runtime}'; use nodejsNN.x, python3.NN or provided.al2023`);
}

async function startSpec(deps: ProvisionDeps, version: FunctionVersion, o: { logStream: string; onDemand: boolean }): Promise<StartSpec> {
  const { layers = [] } = version;
  const [taskRoot, dependencyRoot, layersRoot] = await Promise.all([
    deps.artifacts.taskRoot(version.codeSha256),
    version.dependencies === null ? null : deps.artifacts.dependencyRoot(version.dependencies),
    layers.length === 0 ? null : deps.artifacts.layersRoot(layers.map((l) => l.codeSha256)),
  ]);
  const environment = functionEnvironment(version, {
    taskRoot,
    dependencyRoot,
    layersRoot,
    logStream: o.logStream,
    path: PATH,
    aws: deps.aws(),
    databaseUrl: deps.databaseUrl,
    initialization: version.snapshot === 'off' ? 'on-demand' : 'snap-start',
  });
  const { initMs, deployInitMs } = deps.limits;
  // An init phase longer than Lambda's 10 s is still run to its end, within the function's own timeout.
  const rehearsalMs = version.rehearsal === null ? 0 : REHEARSAL_MS;
  const initTimeoutMs = Math.max(o.onDemand ? initMs : deployInitMs, version.timeoutMs) + rehearsalMs;
  return { version, taskRoot, dependencyRoot, layersRoot, environment, initTimeoutMs, onDemand: o.onDemand };
}

function logSink(deps: ProvisionDeps, version: FunctionVersion, stream: string): LogSink {
  return { line: (requestId, text) => deps.logs.append({ timeMs: deps.clock.now(), function: version.name, stream, requestId, text }) };
}
