import type { FunctionVersion } from '../model/function-version.ts';
import type { FleetInstance } from './instance.ts';
import { estimateBytes } from './policies/estimate.ts';

/** Weight of the newest measurement in the running mean. */
const NEWEST = 0.2;
/** Instances of a version measured as they come to rest; after those, one each so often: reading it costs the kernel a millisecond. */
const FIRST = 3;
const EVERY_MS = 5_000;

interface Known {
  meanBytes: number | null;
  measured: number;
  lastMs: number;
}

/** What instances of each version were measured to use, and what the next one is therefore expected to. */
export class MemoryModel {
  readonly #known = new Map<string, Known>();

  /** Expected use of one more instance, bytes. */
  estimate(version: FunctionVersion, forked: boolean): number {
    const measuredBytes = this.#known.get(version.revisionId)?.meanBytes ?? null;
    return estimateBytes({ measuredBytes, forked, memoryMb: version.memoryMb });
  }

  /** What an instance uses as a rule, with nothing to spare, bytes. */
  expected(version: FunctionVersion, forked: boolean): number {
    return this.#known.get(version.revisionId)?.meanBytes ?? this.estimate(version, forked);
  }

  /** Called when an instance comes to rest; measures now and then: what it uses, or null when it was not measured. */
  observe(instance: FleetInstance): Promise<number | null> | null {
    const known = this.#of(instance.version.revisionId);
    if (known.measured >= FIRST && instance.idleSinceMs - known.lastMs < EVERY_MS) return null;
    known.measured++;
    known.lastMs = instance.idleSinceMs;
    return this.#measure(instance, known);
  }

  async #measure(instance: FleetInstance, known: Known): Promise<number | null> {
    const bytes = await instance.memoryBytes();
    if (bytes !== null) known.meanBytes = known.meanBytes === null ? bytes : known.meanBytes * (1 - NEWEST) + bytes * NEWEST;
    return bytes;
  }

  forget(revisionId: string): void {
    this.#known.delete(revisionId);
  }

  #of(revisionId: string): Known {
    let known = this.#known.get(revisionId);
    if (known === undefined) this.#known.set(revisionId, (known = { meanBytes: null, measured: 0, lastMs: 0 }));
    return known;
  }
}
