import type { FleetInstance } from './instance.ts';

/** Instances that run without anyone having asked for them yet, by revision: kept for `min`, or left by a preparation. */
export class Spares {
  readonly #byRevision = new Map<string, FleetInstance[]>();

  has(revisionId: string): boolean {
    return (this.#byRevision.get(revisionId)?.length ?? 0) > 0;
  }

  put(instance: FleetInstance): void {
    const spares = this.#byRevision.get(instance.version.revisionId);
    if (spares === undefined) this.#byRevision.set(instance.version.revisionId, [instance]);
    else spares.push(instance);
  }

  take(revisionId: string): FleetInstance | null {
    return this.#byRevision.get(revisionId)?.pop() ?? null;
  }

  /** It takes no more work. */
  remove(instance: FleetInstance): void {
    const spares = this.#byRevision.get(instance.version.revisionId);
    const at = spares?.indexOf(instance) ?? -1;
    if (at >= 0) spares?.splice(at, 1);
    if (spares?.length === 0) this.#byRevision.delete(instance.version.revisionId);
  }

  drop(revisionId: string): void {
    this.#byRevision.delete(revisionId);
  }
}
