import { mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the links listed in the package, by which libraries are looked up, in `folder`; beside the libraries they are
 * relative, so that the tree can be moved. Those that are right already stay.
 */
export function linkLibraries(native: string, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const libraries = join(native, 'lib');
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const { source, target } of links) {
    const to = folder === libraries ? basename(source) : join(libraries, basename(source));
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
