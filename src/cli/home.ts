import { access, constants, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from './errors.ts';
import { makeFolders, removeFolders } from './folders.ts';

/** The folder of all state. */
export interface Home {
  /** Takes back what was made: the folder with all in it, and those above it. What was there before stays. Resolves with whether it was made. */
  undo(): Promise<boolean>;
}

/** Makes the folder of all state, for its owner alone, unless it is there. Throws CliError where it can't be made or written to. */
export async function makeHome(path: string): Promise<Home> {
  const home = resolve(path);
  try {
    const made = await makeFolders(home, 0o700);
    await access(home, constants.W_OK);
    return {
      async undo() {
        if (made.length === 0) return false;
        await rm(home, { recursive: true, force: true });
        await removeFolders(made.slice(0, -1));
        return true;
      },
    };
  } catch (error) {
    throw new CliError(`can't keep state in ${home}: ${(error as Error).message}`, {
      fix: 'name a folder that you may write to, with --home or HEARTH_HOME',
      cause: error,
    });
  }
}
