import { deferred, type Deferred } from '../lib/deferred.ts';

/** Who waits for something of a name is told when it may be there. */
export class Bells {
  readonly #waiting = new Map<string, Set<Deferred<void>>>();

  /** The next ring from now on. Release it whether it rang or not. */
  next(name: string): { readonly rung: Promise<void>; readonly release: () => void } {
    const bell = deferred<void>();
    let of = this.#waiting.get(name);
    if (of === undefined) this.#waiting.set(name, (of = new Set()));
    const waiting = of.add(bell);
    const release = (): void => {
      waiting.delete(bell);
      if (waiting.size === 0 && this.#waiting.get(name) === waiting) this.#waiting.delete(name);
    };
    return { rung: bell.promise, release };
  }

  /** Tells those who wait for a name; null: everybody. */
  ring(name: string | null): void {
    for (const waiting of name === null ? this.#waiting.values() : [this.#waiting.get(name) ?? []])
      for (const bell of waiting) bell.resolve();
  }
}
