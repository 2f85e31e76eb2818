/** Times the steps of one invocation, in milliseconds. */
export class Stopwatch {
  readonly #started = performance.now();
  readonly #steps: Record<string, number> = {};

  async time<T>(step: string, work: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.#steps[step] = round(performance.now() - started);
    return result;
  }

  timings(): Record<string, number> {
    return { ...this.#steps, totalMs: round(performance.now() - this.#started) };
  }
}

const round = (ms: number) => Math.round(ms * 100) / 100;
