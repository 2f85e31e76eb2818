import { join } from 'node:path';
import type { Account } from './account.ts';
import { PROGRAM_PATH } from './death-watch.ts';
import type { Distribution } from './distribution.ts';
import { linkLibraries } from './library-links.ts';
import { copyForEveryone } from './shared-copy.ts';

/** PostgreSQL, ready to run. */
export interface Installation {
  /** Folder of the programs. */
  readonly bin: string;
  /** What the programs need in their environment; nothing of ours is passed on to them. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Makes the distribution runnable, whatever npm left undone: the package's install script, which is skipped, would
 * have linked the libraries to the names that they are looked up by. For another account (we are root) the tree is
 * copied to where that account can read it; a project folder may well lie under a home that it can't enter.
 */
export function install(distribution: Distribution, linkDir: string, account: Account | null): Installation {
  const native = account === null ? distribution.native : copyForEveryone(distribution);
  // A copy has its links already. On macOS libraries look for each other beside themselves.
  const links = account !== null || process.platform === 'darwin' ? join(native, 'lib') : linkDir;
  if (account === null) linkLibraries(native, links);
  return {
    bin: join(native, 'bin'),
    environment: { PATH: PROGRAM_PATH, LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: `${links}:${join(native, 'lib')}` },
  };
}
