import { Turns } from '../../lib/turns.ts';

/**
 * Deployments by function. They are registered one after the other, in the order they came; but none waits for an init phase of one before it, which may hang:
 * it overtakes it (docs/decisions/0020-a-deploy-without-a-cold-start.md).
 */
export class Deployments {
  readonly #turns = new Turns();
  readonly #latest = new Map<string, symbol>();

  /** Runs a task when those of that function that came before have ended, however they ended. */
  take<T>(name: string, task: () => Promise<T>): Promise<T> {
    return this.#turns.take(name, task);
  }

  /** One is registered: tells later whether it is still the last. */
  registered(name: string): () => boolean {
    const mark = Symbol(name);
    this.#latest.set(name, mark);
    return () => this.#latest.get(name) === mark;
  }

  /** The function is gone, and what was deployed of it. */
  forget(name: string): void {
    this.#latest.delete(name);
  }
}
