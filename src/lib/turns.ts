/** Lets tasks of one key happen one after the other; tasks of different keys don't wait for each other. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs a task when those of its key that came before have ended, however they ended. */
  async take<T>(key: string, task: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(task);
    const ended = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, ended);
    try {
      return await result;
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }
}
