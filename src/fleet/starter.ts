import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InstanceSpec } from './driver.ts';
import { FleetInstance, InstanceLines, type InstanceObserver } from './instance.ts';
import { logStreamName } from './log-stream.ts';
import type { Provision } from './provision.ts';
import type { Residence, Started } from './residence.ts';

export interface StarterDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly provision: Provision;
  readonly observer: InstanceObserver;
}

/** What an instance is born with. */
interface Birth {
  readonly spec: InstanceSpec;
  readonly lines: InstanceLines;
  /** When it was asked for, monotonic. */
  readonly from: number;
}

/** Makes instances from residences: gives each its id, its log and its start report. */
export class Starter {
  readonly #deps: StarterDeps;

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  /** One instance on the best rung there is. Rejects with InitFailure or what the driver could not do. */
  async start(version: FunctionVersion, residence: Residence): Promise<FleetInstance> {
    const birth = this.#birth(version);
    const startSpec = () => this.#deps.provision.startSpec(version, { logStream: birth.spec.logStream, onDemand: true });
    return this.#adopt(version, await residence.start(startSpec, birth.spec, this.#deps.clock), birth);
  }

  /** Makes the snapshot; the instance that ran the init phase where there can be none, else null. Rejects with InitFailure. */
  async prepare(version: FunctionVersion, residence: Residence): Promise<FleetInstance | null> {
    const birth = this.#birth(version);
    const startSpec = () => this.#deps.provision.startSpec(version, { logStream: birth.spec.logStream, onDemand: false });
    const first = await residence.prepare(startSpec, birth.spec, this.#deps.clock);
    if (first === null) return null;
    return this.#adopt(version, { instance: first, rung: first.rung, init: first.init, initBilled: false }, birth);
  }

  #birth(version: FunctionVersion): Birth {
    const id = this.#deps.ids.uuid();
    const logStream = logStreamName(version, id, this.#deps.clock.now());
    const log = this.#deps.provision.log(version, logStream);
    const lines = new InstanceLines((requestId, text) => log.line(requestId, text));
    return { spec: { instanceId: id, logStream, log: lines }, lines, from: this.#deps.clock.monotonic() };
  }

  #adopt(version: FunctionVersion, started: Started, birth: Birth): FleetInstance {
    const options = {
      id: birth.spec.instanceId,
      version,
      start: {
        rung: started.rung,
        startMs: this.#deps.clock.monotonic() - birth.from,
        init: started.init,
        initBilled: started.initBilled,
      },
      startedAtMs: this.#deps.clock.now(),
      logStream: birth.spec.logStream,
      lines: birth.lines,
    };
    return new FleetInstance(started.instance, options, this.#deps.observer);
  }
}
