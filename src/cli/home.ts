import { access, constants, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from './errors.ts';
import { makeFolders, removeFolders } from './folders.ts';

/** The folder of all state. */
export interface Home {
  /** Takes back what was made: the folder with all in it, and those above it. What was there before stays. Resolves with whether it was made. */
  undo(): Promise<boolean>;
}

/**
 * For its owner alone; root's may be passed through, since the users that functions run as for root can't be given another view of the files everywhere
 * (in a container without CAP_SYS_ADMIN, say).
 */
const MODE = process.getuid?.() === 0 ? 0o711 : 0o700;

/** Makes the folder of all state, closed to others, unless it is there. Throws CliError where it can't be made or written to. */
export async function makeHome(path: string): Promise<Home> {
  const home = resolve(path);
  try {
    const made = await makeFolders(home, MODE);
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
