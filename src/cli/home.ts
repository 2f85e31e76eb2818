import { access, constants, mkdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CliError } from './errors.ts';

/** The folder of all state. */
export interface Home {
  /** Takes back what was made: the folder with all in it, and those above it. What was there before stays. */
  undo(): Promise<void>;
}

/** Makes the folder of all state, unless it is there. Throws CliError where it can't be made or written to. */
export async function makeHome(path: string): Promise<Home> {
  const home = resolve(path);
  try {
    const made = await makeFolders(home);
    await access(home, constants.W_OK);
    return {
      async undo() {
        if (made.length === 0) return;
        await rm(home, { recursive: true, force: true });
        for (const folder of made.slice(0, -1).toReversed()) await rmdir(folder).catch(() => {}); // not empty: somebody else uses it by now
      },
    };
  } catch (error) {
    throw new CliError(`can't keep state in ${home}: ${(error as Error).message}`, {
      fix: 'name a folder that you may write to, with --home or HEARTH_HOME',
      cause: error,
    });
  }
}

/**
 * Makes a folder and those above it; returns which were made, the uppermost first. Not left to `mkdir`'s own `recursive`: where a file system answers
 * ENOENT though the folder above is there, as /proc does, that never ends.
 */
async function makeFolders(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path; !(await isThere(at)); at = dirname(at)) missing.unshift(at);
  const made: string[] = [];
  for (const folder of missing) {
    try {
      await mkdir(folder);
      made.push(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // else: somebody was faster
    }
  }
  return made;
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
