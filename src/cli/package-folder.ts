import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ALWAYS_IGNORED, IGNORE_FILE, type Ignore, ignoring } from './ignore.ts';
import { CliError } from './errors.ts';

export interface PackagedFile {
  /** Below the folder, with `/`. */
  readonly path: string;
  readonly absolute: string;
  readonly executable: boolean;
  readonly bytes: number;
}

/** What stays out of a function's package: the standing list, then the folder's own `.hearthignore`. */
export async function ignoreRules(folder: string): Promise<Ignore> {
  const own = await readFile(join(folder, IGNORE_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw error;
  });
  return ignoring([...ALWAYS_IGNORED, ...own.split('\n')]);
}

/**
 * The files of a function's folder in the order of their paths. Links are followed, as zip(1) does; one that leads
 * into its own folder, or nowhere, is an error that names it. Sockets and devices are passed over.
 */
export async function listFiles(folder: string): Promise<PackagedFile[]> {
  const info = await stat(folder).catch(() => null);
  if (info === null) throw new CliError(`there is no folder ${folder}`, { fix: 'correct `code:` in hearth.yaml' });
  if (!info.isDirectory())
    throw new CliError(`${folder} is a file, and a function is a folder`, {
      fix: 'name the folder that it is in as `code:` in hearth.yaml',
    });
  const found: PackagedFile[] = [];
  await walk({ folder, ignored: await ignoreRules(folder), found }, '', []);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface Walk {
  readonly folder: string;
  readonly ignored: Ignore;
  readonly found: PackagedFile[];
}

async function walk(to: Walk, below: string, above: readonly string[]): Promise<void> {
  const here = join(to.folder, below);
  const real = await realpath(here);
  if (above.includes(real))
    throw new CliError(`a link leads into its own folder: ${here}`, { fix: 'remove it, or name it in .hearthignore' });
  for (const name of await readdir(here)) {
    const path = below === '' ? name : `${below}/${name}`;
    const absolute = join(here, name);
    const info = await stat(absolute).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ELOOP') return null;
      throw error;
    });
    if (to.ignored(path, info?.isDirectory() ?? false)) continue;
    if (info === null) throw new CliError(`a link leads nowhere: ${absolute}`, { fix: 'remove it, or name it in .hearthignore' });
    if (info.isDirectory()) await walk(to, path, [...above, real]);
    else if (info.isFile()) to.found.push({ path, absolute, executable: (info.mode & 0o111) !== 0, bytes: info.size });
  }
}
