import type { FunctionVersion } from '../model/function-version.ts';
import type { FleetInstance } from './instance.ts';
import { estimateBytes } from './policies/estimate.ts';

/** Weight of the newest measurement in the running mean. */
const NEWEST = 0.2;
/** Instances of a version measured when they first rest; after that, one in this many. */
const FIRST = 3;
const ONE_IN = 50;

interface Known {
  meanBytes: number | null;
  seen: number;
}

/** What instances of each version were measured to use, and what the next one is therefore expected to. */
export class MemoryModel {
  readonly #known = new Map<string, Known>();

  /** Expected use of one more instance, bytes. */
  estimate(version: FunctionVersion, forked: boolean): number {
    const measuredBytes = this.#known.get(version.revisionId)?.meanBytes ?? null;
    return estimateBytes({ measuredBytes, forked, memoryMb: version.memoryMb });
  }

  /** Called when an instance rests; measures now and then, since reading it costs a millisecond of a core. */
  async observe(instance: FleetInstance): Promise<void> {
    const known = this.#of(instance.version.revisionId);
    if (known.seen++ >= FIRST && known.seen % ONE_IN !== 0) return;
    const bytes = await instance.memoryBytes();
    if (bytes !== null) known.meanBytes = known.meanBytes === null ? bytes : known.meanBytes * (1 - NEWEST) + bytes * NEWEST;
  }

  forget(revisionId: string): void {
    this.#known.delete(revisionId);
  }

  #of(revisionId: string): Known {
    let known = this.#known.get(revisionId);
    if (known === undefined) this.#known.set(revisionId, (known = { meanBytes: null, seen: 0 }));
    return known;
  }
}
