import { mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Account } from './account.ts';
import type { Distribution } from './distribution.ts';
import { copyForEveryone } from './shared-copy.ts';

/** PostgreSQL, ready to run. */
export interface Installation {
  /** Folder of the programs. */
  readonly bin: string;
  /** What the programs need in their environment; nothing of ours is passed on to them. */
  readonly environment: Readonly<Record<string, string>>;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the distribution runnable, whatever npm left undone: the package's install script, which is skipped, would
 * have linked the libraries to the names that they are looked up by. For another account (we are root) the tree is
 * copied to where that account can read it; a project folder may well lie under a home that it can't enter.
 */
export function install(distribution: Distribution, linkDir: string, account: Account | null): Installation {
  const native = account === null ? distribution.native : copyForEveryone(distribution);
  // In a copy that is ours, and on macOS where libraries look beside themselves, the links belong into the tree.
  const links = account !== null || process.platform === 'darwin' ? join(native, 'lib') : linkDir;
  linkLibraries(native, links);
  return {
    bin: join(native, 'bin'),
    environment: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: `${links}:${join(native, 'lib')}` },
  };
}

/** Makes the links listed in the package, in `folder`; those that are right already stay. */
function linkLibraries(native: string, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const { source, target } of links) {
    const to = join(native, 'lib', basename(source));
    const link = join(folder, basename(target));
    if (linkTarget(link) === to) continue;
    rmSync(link, { force: true });
    symlinkSync(to, link);
  }
}

function linkTarget(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}
