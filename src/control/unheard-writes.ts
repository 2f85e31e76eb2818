import { HearthError } from '../errors.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { FunctionStore } from '../store/store.ts';

/**
 * A store of functions that takes up writes whose answer was lost with the connection: they may have been made, and who asked for them knows what was before. The next
 * write to the same function goes over either. One server writes to a store, so nobody else's is written over.
 */
export function takingUpUnheard(store: FunctionStore): FunctionStore {
  /** By the place and name that was to be taken: the function that may have taken it. */
  const made = new Map<string, string>();
  /** By function: the revisions that may have become the latest. */
  const revised = new Map<string, Set<string>>();
  return {
    all: () => store.all(),
    publish: (version) => store.publish(version),
    removeVersion: (functionId, version) => store.removeVersion(functionId, version),
    async create(version) {
      const place = placeOf(version);
      const before = made.get(place);
      if (before !== undefined) await store.remove(before);
      made.set(place, version.functionId);
      await unlessUnheard(store.create(version), () => made.delete(place));
    },
    async replaceLatest(version, expected) {
      const unheard = revised.get(version.functionId) ?? new Set();
      revised.set(version.functionId, unheard);
      const replacing = replaceAny(store, version, [expected, ...unheard]);
      unheard.add(version.revisionId);
      await unlessUnheard(replacing, () => revised.delete(version.functionId));
    },
    async remove(functionId) {
      const removed = await store.remove(functionId);
      revised.delete(functionId);
      return removed;
    },
  };
}

function placeOf({ accountId, region, name }: FunctionVersion): string {
  return `${accountId} ${region} ${name}`;
}

/** Replaces whichever of these revisions is the latest. Throws as for the first when none is. */
async function replaceAny(store: FunctionStore, version: FunctionVersion, revisions: readonly string[]): Promise<void> {
  const [expected = '', ...others] = revisions;
  try {
    await store.replaceLatest(version, expected);
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== 'PreconditionFailedException' || others.length === 0) throw error;
    await replaceAny(store, version, others);
  }
}

/** Calls back when it is known what became of a write. */
async function unlessUnheard(write: Promise<void>, heard: () => void): Promise<void> {
  try {
    await write;
    heard();
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== 'ServiceUnavailable') heard();
    throw error;
  }
}
