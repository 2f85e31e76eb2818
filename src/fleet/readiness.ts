import type { Clock } from '../lib/clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InitReport } from '../model/instance.ts';
import { Background } from './background.ts';
import type { Residence } from './residence.ts';
import type { ResidencyOptions } from './residency.ts';
import type { Roster } from './roster.ts';
import type { FleetLimits, StartBudget } from './start-budget.ts';

/** What is known of a deployed version's start, for whoever deployed it. */
export interface Preparation {
  readonly init: InitReport | null;
  /** Why instances can't be forked, or null. */
  readonly unforkable: string | null;
}

export interface ReadinessDeps {
  readonly clock: Clock;
  readonly limits: FleetLimits;
  readonly residency: ResidencyOptions;
  readonly budget: StartBudget;
  readonly roster: Roster;
  /** The version's residence, made when there is none. */
  readonly residence: (version: FunctionVersion) => Residence;
  /** Makes the version's snapshot, or keeps the instance that ran the init phase where there can be none. Rejects with InitFailure. */
  readonly prepare: (version: FunctionVersion) => Promise<void>;
  /** Starts an instance nobody has asked for. */
  readonly addSpare: (version: FunctionVersion) => Promise<void>;
}

/** Makes versions ready before anybody calls them: the snapshot or, where a version can't be forked, instances. */
export class Readiness {
  readonly #deps: ReadinessDeps;
  readonly #prewarms: Background;
  readonly #revivals: Background;

  constructor(deps: ReadinessDeps) {
    this.#deps = deps;
    const { clock, limits, residency, budget } = deps;
    const background = { clock, atOnce: residency.backgroundAtOnce, quiet: () => budget.startsUnderWay < limits.startsAtOnce };
    this.#prewarms = new Background({ ...background, perMinute: residency.prewarmsPerMinute });
    this.#revivals = new Background({ ...background, perMinute: Number.POSITIVE_INFINITY, quiet: () => budget.startsUnderWay === 0 });
  }

  /** In the background, if it is still `wanted` then: what the version keeps when it keeps something. */
  prewarm(version: FunctionVersion, wanted: () => boolean): void {
    this.#prewarms.add(version.revisionId, { wanted, run: () => this.#bringBack(version) });
  }

  /** The same of a version that served under an earlier server: as many as there are, one after the other, while nobody's start is under way. */
  revive(version: FunctionVersion, wanted: () => boolean): void {
    this.#revivals.add(version.revisionId, { wanted, run: () => this.#bringBack(version) });
  }

  /** Now, where the version asks for it. Rejects with InitFailure. */
  async deploy(version: FunctionVersion): Promise<Preparation> {
    const residence = this.#deps.residence(version);
    if (version.snapshot === 'onDeploy') await this.#prepareOnce(version, residence);
    return preparation(residence);
  }

  /**
   * Makes a version ready to take over from `previous` without a caller waiting for an init phase: its snapshot and, where instances
   * can't be forked, as many instances as serve there. Rejects with InitFailure.
   */
  async takeOver(version: FunctionVersion, previous: FunctionVersion): Promise<Preparation> {
    const { roster, limits, addSpare } = this.#deps;
    const residence = this.#deps.residence(version);
    if (residence.state.kind !== 'plain') await this.#prepareOnce(version, residence);
    if (residence.state.kind === 'plain') {
      // One at least where that has not run its init phase: else what does not work would take over from what does.
      const least = Math.max(version.scaling.min, residence.initMs === null ? 1 : 0);
      const wanted = Math.min(Math.max(roster.serving(previous.revisionId), least), limits.startsAtOnce);
      const missing = Math.max(0, wanted - roster.serving(version.revisionId));
      await Promise.all(Array.from({ length: missing }, () => addSpare(version)));
    }
    return preparation(residence);
  }

  close(): void {
    this.#prewarms.close();
    this.#revivals.close();
  }

  /** Makes the snapshot if there is none, or waits for whoever makes it. */
  async #prepareOnce(version: FunctionVersion, { state }: Residence): Promise<void> {
    if (state.kind === 'preparing') await state.done;
    if (state.kind === 'nothing') await this.#deps.prepare(version);
  }

  async #bringBack(version: FunctionVersion): Promise<void> {
    const { budget, roster, addSpare } = this.#deps;
    const residence = this.#deps.residence(version);
    if (budget.verdict(version).verdict === 'full') return;
    if (residence.state.kind !== 'plain') await this.#prepareOnce(version, residence);
    else if (roster.serving(version.revisionId) === 0) await addSpare(version);
  }
}

function preparation({ state }: Residence): Preparation {
  if (state.kind === 'snapshot') return { init: state.snapshot.init, unforkable: null };
  if (state.kind === 'plain') return { init: state.init, unforkable: state.reason };
  return { init: null, unforkable: null };
}
