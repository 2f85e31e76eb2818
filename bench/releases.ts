type Release = () => void | Promise<void>;

/** What was acquired and must go again. Ended once, in reverse order, each whatever became of the others. */
export class Releases {
  readonly #stack: Release[] = [];
  #ending: Promise<void> | null = null;

  /** What is added while it ends goes at once. */
  add(release: Release): void {
    this.#stack.push(release);
    if (this.#ending === null) return;
    const unwind = (): Promise<void> => this.#unwind();
    this.#ending = this.#ending.then(unwind, async (error: unknown) => {
      await unwind();
      throw error;
    });
  }

  /** Rejects with the first error once all have been tried. */
  end(): Promise<void> {
    this.#ending ??= this.#unwind();
    return this.#ending;
  }

  async #unwind(): Promise<void> {
    const errors: unknown[] = [];
    for (let release = this.#stack.pop(); release !== undefined; release = this.#stack.pop()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
