/** What was acquired in order and is released in the opposite order, once, whatever fails on the way. */
export class Closing {
  readonly #releases: (() => unknown)[] = [];
  #closed: Promise<void> | null = null;

  add(release: () => unknown): void {
    this.#releases.push(release);
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
