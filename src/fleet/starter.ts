import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { ChainHistory } from './chain-history.ts';
import type { InstanceSpec } from './driver.ts';
import { FleetInstance, InstanceLines, type InstanceObserver } from './instance.ts';
import { logStreamName } from './log-stream.ts';
import type { Provision } from './provision.ts';
import type { Residence, Started } from './residence.ts';
import type { Roster } from './roster.ts';
import type { Explain, StartObserver } from './start-observer.ts';

export interface StarterDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly provision: Provision;
  readonly observer: InstanceObserver;
  readonly starts: StartObserver;
  readonly roster: Roster;
  readonly chains: ChainHistory;
}

/** An instance that has been ordered. */
interface Birth {
  readonly spec: InstanceSpec;
  readonly lines: InstanceLines;
  /** Monotonic. */
  readonly orderedAtMs: number;
  readonly explain: Explain;
}

/** Makes instances from residences: gives each its id, its log and its start report. */
export class Starter {
  readonly #deps: StarterDeps;

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  /** One instance on the best rung there is. Rejects with InitFailure or what the driver could not do. */
  async start(version: FunctionVersion, residence: Residence, keptReady: boolean): Promise<FleetInstance> {
    const birth = this.#birth(version, keptReady);
    const startSpec = () => this.#deps.provision.startSpec(version, { logStream: birth.spec.logStream, onDemand: true });
    const started = await residence.start(startSpec, birth.spec);
    // What was started to be kept ready ran for nobody.
    return this.#adopt(version, keptReady ? { ...started, initBilled: false } : started, birth);
  }

  /** Makes the snapshot; the instance that ran the init phase where there can be none, else null. Rejects with InitFailure. */
  async prepare(version: FunctionVersion, residence: Residence): Promise<FleetInstance | null> {
    const birth = this.#birth(version, true);
    const startSpec = () => this.#deps.provision.startSpec(version, { logStream: birth.spec.logStream, onDemand: false });
    const first = await residence.prepare(startSpec, birth.spec);
    if (first === null) return null;
    const { rung, init, steps } = first;
    return this.#adopt(version, { instance: first, rung, init, initBilled: false, steps, found: { kind: 'new' }, making: false }, birth);
  }

  /** What an instance is given, and what is noted as it is ordered. */
  #birth(version: FunctionVersion, keptReady: boolean): Birth {
    const id = this.#deps.ids.uuid();
    const logStream = logStreamName(version, id, this.#deps.clock.now());
    const log = this.#deps.provision.log(version, logStream);
    const lines = new InstanceLines((requestId, text) => log.line(requestId, text));
    const explain = this.#deps.starts.ordered(version, this.#deps.roster.of(version.revisionId).size, keptReady);
    return {
      spec: { instanceId: id, logStream, log: this.#deps.provision.printed(lines) },
      lines,
      orderedAtMs: this.#deps.clock.monotonic(),
      explain,
    };
  }

  #adopt(version: FunctionVersion, started: Started, birth: Birth): FleetInstance {
    const { orderedAtMs } = birth;
    const { rung, init, initBilled, steps } = started;
    const startMs = this.#deps.clock.monotonic() - orderedAtMs;
    const options = {
      id: birth.spec.instanceId,
      version,
      start: { rung, startMs, init, initBilled, orderedAtMs, steps, reason: birth.explain(started) },
      startedAtMs: this.#deps.clock.now(),
      logStream: birth.spec.logStream,
      lines: birth.lines,
      chains: this.#deps.chains,
    };
    return new FleetInstance(started.instance, options, this.#deps.observer);
  }
}
