import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder, with that mode, and those above it; returns which were made, the uppermost first. Not left to `mkdir`'s own `recursive`: where a file system answers
 * ENOENT though the folder above is there, as /proc does, that never ends.
 */
export async function makeFolders(path: string, mode = 0o777): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path; !(await isThere(at)); at = dirname(at)) missing.unshift(at);
  const made: string[] = [];
  for (const folder of missing) {
    try {
      await mkdir(folder, { mode: folder === path ? mode : 0o777 });
      made.push(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue; // somebody was faster
      await removeFolders(made);
      throw error;
    }
  }
  return made;
}

/** Takes back what `makeFolders` made, as far as it is empty: what is not, somebody else uses by now. */
export async function removeFolders(made: readonly string[]): Promise<void> {
  for (const folder of made.toReversed()) await rmdir(folder).catch(() => {});
}

/** Throws where the way there is none: through a file, or closed. */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path) return false;
    throw error;
  }
}
