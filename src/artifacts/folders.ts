import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The folder of all artifacts:
 *
 *     code/HEX/package.zip   the zip as it was given or built
 *     code/HEX/root/         unpacked (LAMBDA_TASK_ROOT)
 *     code/HEX/link          digest of the dependencies that root/node_modules points to, if a build made it
 *     dependencies/HEX/      node_modules/ or python/
 *     cache/                 what package managers downloaded, where the server is root (DownloadCache)
 *     tmp/                   what is being made; emptied at start
 *
 * What has its final name is whole: everything is made in tmp/ and renamed.
 */
export interface Folders {
  readonly code: string;
  readonly dependencies: string;
  readonly tmp: string;
}

/** Is told of what could not be removed and stays where it is: a disk that fails, a path that became too long by being renamed. */
export type Unremoved = (error: unknown, path: string) => void;

/** Creates the folders, readable for the users that instances run as, and throws away what a killed server left half-made. */
export async function openFolders(root: string, unremoved: Unremoved): Promise<Folders> {
  const folders = { code: join(root, 'code'), dependencies: join(root, 'dependencies'), tmp: join(root, 'tmp') };
  await rm(folders.tmp, { recursive: true, force: true }).catch((error: unknown) => unremoved(error, folders.tmp));
  for (const folder of [root, ...Object.values(folders)]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755); // whatever the umask
  }
  return folders;
}

/** A new empty folder in tmp/, removed when the returned object is disposed of, unless it was renamed away by then. */
export async function scratch(folders: Folders): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = join(folders.tmp, randomUUID());
  await mkdir(path);
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Gives a finished folder its final name. Two at once make the same thing, as names are digests of content: the first wins
 * and the other is left for its maker to discard.
 */
export async function publish(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
  await syncPath(join(to, '..'));
}

/** Writes a file or folder through to the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Bytes in all files below a folder; what vanishes meanwhile counts nothing. */
export async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  let sum = 0;
  for (const entry of entries) {
    if (entry.isFile())
      sum += await stat(join(entry.parentPath, entry.name)).then(
        (s) => s.size,
        () => 0,
      );
  }
  return sum;
}
