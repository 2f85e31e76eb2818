import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, readlink, stat } from 'node:fs/promises';
import { dirname, join, normalize, relative, sep } from 'node:path';

/** Whether a relative path stays within its folder. */
export function within(path: string): boolean {
  const normal = normalize(path);
  return normal !== '..' && !normal.startsWith(`..${sep}`) && !normal.startsWith('/');
}

/** Digest of files and folders within `root`: names, contents, executable bits. What is not there counts as absent. */
export async function digestPaths(root: string, paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of [...paths].sort()) {
    const files = await filesBelow(join(root, path));
    hash.update(JSON.stringify([path, files.length]));
    for (const file of files) {
      const content = file.link ? await readlink(file.path) : await readFile(file.path);
      hash.update(JSON.stringify([relative(root, file.path), file.link, content.length])).update(content);
    }
  }
  return hash.digest('hex');
}

/** Copies files and folders to the same places below another folder, without what was installed in them. */
export async function copyPaths(root: string, paths: readonly string[], to: string): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    const filter = (from: string): boolean => !from.slice(root.length).split(sep).includes('node_modules');
    await cp(join(root, path), join(to, path), { recursive: true, verbatimSymlinks: true, filter }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error; // the package manager says it better
      },
    );
  }
}

async function filesBelow(path: string): Promise<{ path: string; link: boolean }[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) return [];
  if (found.isFile()) return [{ path, link: false }];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((e) => e.isFile() || e.isSymbolicLink())
    .map((e) => ({ path: join(e.parentPath, e.name), link: e.isSymbolicLink() }))
    .filter((f) => !f.path.slice(path.length).split(sep).includes('node_modules'))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
