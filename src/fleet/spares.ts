import type { FleetInstance } from './instance.ts';

/** Instances that run without anyone having asked for them yet, by revision: kept for `min`, or left by a preparation. */
export class Spares {
  readonly #byRevision = new Map<string, FleetInstance[]>();
  readonly #wanted = new Map<string, Set<(instance: FleetInstance) => void>>();

  has(revisionId: string): boolean {
    return (this.#byRevision.get(revisionId)?.length ?? 0) > 0;
  }

  /** Whoever has waited longest takes it; else it rests until somebody does. */
  put(instance: FleetInstance): void {
    const [first] = this.#wanted.get(instance.version.revisionId) ?? [];
    if (first !== undefined && instance.alive) return first(instance);
    const spares = this.#byRevision.get(instance.version.revisionId);
    if (spares === undefined) this.#byRevision.set(instance.version.revisionId, [instance]);
    else spares.push(instance);
    instance.idle();
  }

  /** Waits for one of a revision, for as long as `instead` takes to come: whichever is first. An `instead` that comes second is put here. */
  takeOr(revisionId: string, instead: Promise<FleetInstance>): Promise<FleetInstance> {
    const all = this.#wanted.get(revisionId) ?? new Set();
    this.#wanted.set(revisionId, all);
    return new Promise((resolve, reject) => {
      const take = (instance: FleetInstance): void => {
        leave();
        resolve(instance);
      };
      const leave = (): boolean => {
        const waited = all.delete(take);
        if (all.size === 0 && this.#wanted.get(revisionId) === all) this.#wanted.delete(revisionId);
        return waited;
      };
      all.add(take);
      instead.then(
        (instance) => (leave() ? resolve(instance) : this.put(instance)),
        (error: unknown) => leave() && reject(error),
      );
    });
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
