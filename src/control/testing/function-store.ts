import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { FunctionStore } from '../../store/store.ts';

/** A store of functions in memory, for the tests of this room; `failNext` makes the next write fail. */
export class TestFunctionStore implements FunctionStore {
  readonly versions = new Map<string, FunctionVersion>();
  failNext: Error | null = null;

  async all(): Promise<FunctionVersion[]> {
    return structuredClone([...this.versions.values()]);
  }

  async create(version: FunctionVersion): Promise<void> {
    this.#maybeFail();
    if ([...this.versions.values()].some((v) => v.name === version.name))
      throw new HearthError('ResourceConflictException', `Function already exist: ${version.name}`);
    this.versions.set(version.functionId, structuredClone(version));
  }

  async replaceLatest(version: FunctionVersion, expectedRevisionId: string): Promise<void> {
    this.#maybeFail();
    const present = this.versions.get(version.functionId);
    if (present === undefined) throw new HearthError('ResourceNotFoundException', 'gone');
    if (present.revisionId !== expectedRevisionId) throw new HearthError('PreconditionFailedException', 'another revision');
    this.versions.set(version.functionId, structuredClone(version));
  }

  async remove(functionId: string): Promise<boolean> {
    this.#maybeFail();
    return this.versions.delete(functionId);
  }

  #maybeFail(): void {
    const error = this.failNext;
    this.failNext = null;
    if (error !== null) throw error;
  }
}
