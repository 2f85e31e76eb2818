import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { FunctionStore, ResourceStore, StoredResource } from '../../store/store.ts';

/** The store in memory whose next write fails when told so (`failNext`), and whose writes wait for `held`. */
export class TestFunctionStore implements FunctionStore {
  readonly #store = memoryStore();
  failNext: Error | null = null;
  /** The next write is made, and its answer lost with the connection. */
  loseNextAnswer = false;
  /** No write begins before this has resolved. */
  held: Promise<void> = Promise.resolve();

  /** The lesser resources beside the functions; their writes wait, too. */
  readonly resources: ResourceStore = {
    all: () => this.#store.resources.all(),
    put: async (resource: StoredResource): Promise<void> => {
      await this.held;
      await this.#store.resources.put(resource);
    },
    remove: async (resource): Promise<boolean> => {
      await this.held;
      return this.#store.resources.remove(resource);
    },
  };

  all(): Promise<FunctionVersion[]> {
    return this.#store.functions.all();
  }

  async create(version: FunctionVersion): Promise<void> {
    await this.#begin();
    await this.#store.functions.create(version);
    this.#answer();
  }

  async replaceLatest(version: FunctionVersion, expectedRevisionId: string): Promise<void> {
    await this.#begin();
    await this.#store.functions.replaceLatest(version, expectedRevisionId);
    this.#answer();
  }

  async publish(version: FunctionVersion): Promise<void> {
    await this.#begin();
    await this.#store.functions.publish(version);
  }

  async removeVersion(functionId: string, version: string): Promise<boolean> {
    await this.#begin();
    return this.#store.functions.removeVersion(functionId, version);
  }

  async remove(functionId: string): Promise<boolean> {
    await this.#begin();
    return this.#store.functions.remove(functionId);
  }

  async #begin(): Promise<void> {
    const error = this.failNext;
    this.failNext = null;
    if (error !== null) throw error;
    await this.held;
  }

  #answer(): void {
    const lost = this.loseNextAnswer;
    this.loseNextAnswer = false;
    if (lost) throw new HearthError('ServiceUnavailable', 'Connection terminated unexpectedly');
  }
}
