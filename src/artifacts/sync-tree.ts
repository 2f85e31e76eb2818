import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncPath } from './folders.ts';

/** Files that are written through at once, where each has to be. */
const AT_ONCE = 16;

/**
 * Writes all that lies below a folder through to the disk. Its file system as a whole where that can be asked for (Linux), which takes as long as what is
 * written, and not a moment for each of the twenty thousand files that installed packages have.
 */
export async function syncTree(folder: string): Promise<void> {
  if (await syncFileSystem(folder)) return;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((e) => e.isFile() || e.isDirectory()).map((e) => join(e.parentPath, e.name));
  paths.push(folder);
  for (let i = 0; i < paths.length; i += AT_ONCE) await Promise.all(paths.slice(i, i + AT_ONCE).map(syncPath));
}

/** syncfs(2) of the file system that a folder is on; false where there is no such call, or no koffi to make it with. Throws what the disk says. */
async function syncFileSystem(folder: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const koffi = await import('koffi').then(
    (module) => module.default,
    () => null,
  );
  if (koffi === null) return false;
  const syncfs = koffi.load(null).func('int syncfs(int)');
  const handle = await open(folder, 'r');
  try {
    const result = await new Promise<number>((resolve, reject) => {
      syncfs.async(handle.fd, (error: unknown, value: number) => (error === null ? resolve(value) : reject(error)));
    });
    // Why it failed is found by whoever writes each file through.
    return result === 0;
  } finally {
    await handle.close();
  }
}
