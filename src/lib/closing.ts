/** What was acquired in order and is released in the opposite order, once, whatever fails on the way. */
export class Closing {
  readonly #releases: (() => unknown)[] = [];
  readonly #signal: AbortSignal | undefined;
  #closed: Promise<void> | null = null;

  /** `signal`: whoever asked for it all wants it no longer. */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Throws the signal's reason once that has aborted, so that nothing more is acquired; what is added is released with the rest. */
  add(release: () => unknown): void {
    this.#releases.push(release);
    this.#signal?.throwIfAborted();
  }

  /** Releases everything; rejects with the first failure after all were tried. */
  close(): Promise<void> {
    this.#closed ??= this.#release();
    return this.#closed;
  }

  async #release(): Promise<void> {
    const failures: unknown[] = [];
    for (const release of this.#releases.toReversed()) {
      try {
        await release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
