import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesBelow, scratch, type Folders } from './folders.ts';

/**
 * Removes the packages and dependencies whose folder names `keep` does not hold on to; the bytes freed. Each is renamed away first, so that
 * a half-removed one is never taken for whole.
 */
export async function sweepFolders(folders: Folders, keep: (name: string) => boolean): Promise<number> {
  let freed = 0;
  for (const kind of ['code', 'dependencies'] as const) {
    for (const name of await readdir(folders[kind])) {
      if (keep(name)) continue;
      await using grave = await scratch(folders);
      const gone = join(grave.path, 'gone');
      await rename(join(folders[kind], name), gone);
      freed += await bytesBelow(gone);
      await rm(gone, { recursive: true, force: true });
    }
  }
  return freed;
}
