import { createHash } from 'node:crypto';
import { cp, lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HearthError } from '../errors.ts';
import type { CodeStore } from './code-store.ts';
import { exists, publish, scratch, type Folders } from './folders.ts';
import { syncTree } from './sync-tree.ts';

/** Name of the folder in which these layers are merged, in this order; among those of dependencies, and swept with them. */
export function layersDigest(sha256s: readonly string[]): string {
  return createHash('sha256')
    .update(`layers ${sha256s.join(' ')}`)
    .digest('hex');
}

/**
 * The folder in which layers lie on top of one another, as Lambda has them in /opt: what a later one has replaces what an earlier one had. Made when
 * it is first asked for. Throws InvalidParameterValueException for layers of which one has a folder where another has a file.
 */
export async function layersRoot(sha256s: readonly string[], code: CodeStore, folders: Folders): Promise<string> {
  const merged = join(folders.dependencies, layersDigest(sha256s));
  if (await exists(merged)) return merged;
  await using made = await scratch(folders);
  for (const sha256 of sha256s) {
    const root = await code.taskRoot(sha256);
    const how = { recursive: true, force: true, verbatimSymlinks: true, preserveTimestamps: true, filter: makesWay };
    await cp(root, made.path, how).catch((error: unknown) => {
      throw new HearthError('InvalidParameterValueException', `The layers can't be merged: ${(error as Error).message}`, { cause: error });
    });
  }
  await syncTree(made.path);
  await publish(made.path, merged);
  return merged;
}

/** Copying replaces files by files; a link, or what a link replaces, goes first. */
async function makesWay(from: string, to: string): Promise<boolean> {
  const [given, present] = await Promise.all([lstat(from), lstat(to).catch(() => null)]);
  if (present === null || present.isDirectory() || given.isDirectory()) return true;
  if (given.isSymbolicLink() || present.isSymbolicLink()) await rm(to);
  return true;
}
