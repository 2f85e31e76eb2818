import type { FunctionVersion } from '../../model/function-version.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { FunctionStore } from '../../store/store.ts';

/** The store in memory whose next write fails when told so (`failNext`). */
export class TestFunctionStore implements FunctionStore {
  readonly #store = memoryStore().functions;
  failNext: Error | null = null;

  all(): Promise<FunctionVersion[]> {
    return this.#store.all();
  }

  async create(version: FunctionVersion): Promise<void> {
    this.#maybeFail();
    await this.#store.create(version);
  }

  async replaceLatest(version: FunctionVersion, expectedRevisionId: string): Promise<void> {
    this.#maybeFail();
    await this.#store.replaceLatest(version, expectedRevisionId);
  }

  async publish(version: FunctionVersion): Promise<void> {
    this.#maybeFail();
    await this.#store.publish(version);
  }

  async removeVersion(functionId: string, version: string): Promise<boolean> {
    this.#maybeFail();
    return this.#store.removeVersion(functionId, version);
  }

  async remove(functionId: string): Promise<boolean> {
    this.#maybeFail();
    return this.#store.remove(functionId);
  }

  #maybeFail(): void {
    const error = this.failNext;
    this.failNext = null;
    if (error !== null) throw error;
  }
}
