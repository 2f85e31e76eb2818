import { constants } from 'node:fs';
import { chmod, open, opendir, rename, rm, rmdir, unlink, type FileHandle } from 'node:fs/promises';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Read at a time, so that a large directory needs neither much memory nor many turns. */
const ENTRIES = 256;
/** Looks at a directory that finds something each time: beyond it, somebody makes files as fast as they are removed. */
const MOST_LOOKS = 100_000;

/**
 * Removes a directory that somebody else has filled, and all that is in it, one entry at a time and none of it on the event loop. What is not there is
 * no error; rejects with the system's error when something can't be removed, or with ENOTEMPTY when it is filled meanwhile.
 *
 * On Linux whoever still has a hold of the tree can't lead the removal astray by putting a link where a directory was: directories are addressed by
 * descriptors, not by paths. Nor does it matter how deeply they are nested: what is in a subdirectory is first brought to the top.
 */
export async function removeTree(path: string): Promise<void> {
  if (process.platform !== 'linux') return rm(path, { recursive: true, force: true });
  const top = await openDirectory(path);
  if (top === null) return;
  try {
    await emptyOut(top);
  } finally {
    await top.close();
  }
  await rmdir(path).catch(ignore('ENOENT'));
}

async function emptyOut(top: FileHandle): Promise<void> {
  const at = placeOf(top);
  let raised = 0;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    let found = false;
    for await (const { name, directory } of entriesOf(at)) {
      found = true;
      const path = within(at, name);
      if (directory) await emptyInto(path, () => `${at}/raised-${raised++}`);
      else await removeFile(path);
    }
    if (!found) return;
  }
}

/** Removes a directory; its subdirectories get another place, to be removed from there. */
async function emptyInto(path: Buffer, place: () => string): Promise<void> {
  const opened = await openDirectory(path);
  if (opened === null) return;
  try {
    const at = placeOf(opened);
    for await (const { name, directory } of entriesOf(at)) {
      if (directory) await raise(within(at, name), place);
      else await removeFile(within(at, name));
    }
  } finally {
    await opened.close();
  }
  await rmdir(path).catch(ignore('ENOENT', 'ENOTEMPTY', 'ENOTDIR')); // something came meanwhile: the next look finds it
}

async function raise(path: Buffer, place: () => string): Promise<void> {
  for (let opened = false; ;) {
    try {
      return await rename(path, place());
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code === 'EACCES' && !opened) {
        await (await openDirectory(path))?.close(); // which may be written to by then, as what is moved must
        opened = true;
      } else if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error; // else: that place was taken
    }
  }
}

/** Null where there is no directory, or none any more. Root may do everything; anybody else makes sure of it, which their own directories allow. */
async function openDirectory(path: string | Buffer): Promise<FileHandle | null> {
  const missing = ignore('ENOENT', 'ENOTDIR', 'ELOOP');
  if (process.getuid?.() !== 0) await chmod(path, 0o700).catch(missing);
  return open(path, DIRECTORY).catch(missing);
}

/** Names are bytes; they need not be UTF-8. */
async function* entriesOf(at: string): AsyncGenerator<{ name: Buffer; directory: boolean }> {
  const directory = await opendir(at, { encoding: 'buffer' as BufferEncoding, bufferSize: ENTRIES });
  for await (const entry of directory) yield { name: entry.name as unknown as Buffer, directory: entry.isDirectory() };
}

function placeOf(opened: FileHandle): string {
  return `/proc/self/fd/${opened.fd}`;
}

function within(at: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${at}/`), name]);
}

async function removeFile(path: Buffer): Promise<void> {
  await unlink(path).catch(ignore('ENOENT', 'EISDIR')); // a directory by now: the next look finds it
}

function ignore(...codes: string[]): (error: unknown) => null {
  return (error) => {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  };
}
