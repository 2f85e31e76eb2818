import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesBelow, scratch, type Folders, type Unremoved } from './folders.ts';

/**
 * Removes the packages and dependencies whose folder names `keep` does not hold on to; the bytes freed. Each is renamed away first, so that
 * a half-removed one is never taken for whole. What can't be removed is told, and holds up nothing else.
 */
export async function sweepFolders(folders: Folders, keep: (name: string) => boolean, unremoved: Unremoved): Promise<number> {
  let freed = 0;
  for (const kind of ['code', 'dependencies'] as const) {
    for (const name of await readdir(folders[kind])) {
      if (keep(name)) continue;
      const path = join(folders[kind], name);
      try {
        freed += await remove(path, folders);
      } catch (error) {
        unremoved(error, path);
      }
    }
  }
  return freed;
}

async function remove(path: string, folders: Folders): Promise<number> {
  await using grave = await scratch(folders);
  const gone = join(grave.path, 'gone');
  await rename(path, gone);
  const bytes = await bytesBelow(gone);
  await rm(gone, { recursive: true, force: true });
  return bytes;
}
