import { mkdirSync } from 'node:fs';
import { copyFile, link, open, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { unforeseen } from '../errors.ts';
import { GrowingBuffer } from '../lib/growing-buffer.ts';
import type { Ids } from '../lib/ids.ts';
import { BlobGone, type BlobHold, type Blobs, type BlobWriter } from './blobs.ts';

/** Written at once; also what one upload holds in memory at most, beside the socket's buffers. */
const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = 512 * 1024;
const SWEEP_AT_ONCE = 500;

/** Where blobs are, below their root. What else is there (`lost+found`, where it is a disk of its own) is not Hearth's. */
export const BLOB_FOLDERS: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/**
 * Blobs as files with random names, spread over 256 folders: nothing of an object's key ever becomes part of a path.
 * `root` is made when it is not there.
 */
export class FileBlobs implements Blobs {
  readonly #root: string;
  readonly #ids: Ids;
  /** Being written, or written and not referred to yet. */
  readonly #open = new Set<string>();
  readonly #held = new Map<string, number>();
  readonly #doomed = new Set<string>();

  constructor(root: string, ids: Ids) {
    this.#root = root;
    this.#ids = ids;
    for (const folder of BLOB_FOLDERS) mkdirSync(join(root, folder), { recursive: true, mode: 0o700 });
  }

  async create(): Promise<BlobWriter> {
    const id = this.#newId();
    const file = await storing(() => open(this.#path(id), 'wx', 0o600)).catch((error: unknown) => {
      this.#open.delete(id);
      throw error;
    });
    return this.#writer(id, file);
  }

  async duplicate(id: string): Promise<BlobWriter> {
    const copy = this.#newId();
    try {
      await storing(() => link(this.#path(id), this.#path(copy)).catch((error: NodeJS.ErrnoException) => this.#copyAfter(error, id, copy)));
      const file = await open(this.#path(copy), 'r');
      return this.#writer(copy, file);
    } catch (error) {
      this.#open.delete(copy);
      await unlink(this.#path(copy)).catch(() => undefined);
      throw error;
    }
  }

  hold(ids: readonly string[]): BlobHold {
    for (const id of ids) this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    let released = false;
    return {
      read: (id, start, end) => readFile(this.#path(id), id, { start, end }),
      release: () => {
        if (released) return;
        released = true;
        for (const id of ids) this.#letGo(id);
      },
    };
  }

  async remove(ids: readonly string[]): Promise<void> {
    // Asked for each when its turn comes: one may be taken hold of while those before it are being removed.
    for (const id of ids) {
      if (this.#held.has(id)) this.#doomed.add(id);
      else await unlink(this.#path(id)).catch(() => undefined);
    }
  }

  async sweep(referenced: (ids: readonly string[]) => Promise<ReadonlySet<string>>): Promise<number> {
    let removed = 0;
    for (const folder of BLOB_FOLDERS) {
      const names = await readdir(join(this.#root, folder));
      for (let at = 0; at < names.length; at += SWEEP_AT_ONCE) {
        // What is not open by now was referred to before we ask, or never will be.
        const ids = names.slice(at, at + SWEEP_AT_ONCE).filter((id) => !this.#open.has(id) && !this.#held.has(id));
        const kept = await referenced(ids);
        const orphans = ids.filter((id) => !kept.has(id));
        await this.remove(orphans);
        removed += orphans.length;
      }
    }
    return removed;
  }

  #newId(): string {
    const id = this.#ids.uuid().replaceAll('-', '');
    this.#open.add(id);
    return id;
  }

  #path(id: string): string {
    return join(this.#root, id.slice(0, 2), id);
  }

  /** Some file systems know no hard links, or not so many of one file. */
  async #copyAfter(error: NodeJS.ErrnoException, id: string, copy: string): Promise<void> {
    if (error.code === 'ENOENT') throw new BlobGone(id);
    if (!['EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV'].includes(error.code ?? '')) throw error;
    await copyFile(this.#path(id), this.#path(copy));
  }

  #letGo(id: string): void {
    const left = (this.#held.get(id) ?? 1) - 1;
    if (left > 0) {
      this.#held.set(id, left);
      return;
    }
    this.#held.delete(id);
    if (this.#doomed.delete(id)) void unlink(this.#path(id)).catch(() => undefined);
  }

  #writer(id: string, file: FileHandle): BlobWriter {
    // Copied together: whoever sends may cut it into single bytes, and a buffer for each is a hundred times as large.
    const pending = new GrowingBuffer(0);
    let ended = false;
    const flush = async (): Promise<void> => {
      await storing(() => writeAll(file, pending.bytes()));
      pending.clear();
    };
    return {
      id,
      write: async (chunk) => {
        pending.append(chunk);
        if (pending.length >= WRITE_BYTES) await flush();
      },
      finish: async () => {
        if (pending.length > 0) await flush();
        await storing(() => file.sync());
        await file.close();
        await storing(() => syncFolder(join(this.#root, id.slice(0, 2))));
      },
      keep: () => {
        ended = true;
        this.#open.delete(id);
      },
      discard: async () => {
        if (ended) return;
        ended = true;
        await file.close().catch(() => undefined);
        await unlink(this.#path(id)).catch(() => undefined);
        this.#open.delete(id);
      },
    };
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) {
    const { bytesWritten } = await file.write(rest);
    rest = rest.subarray(bytesWritten);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function* readFile(path: string, id: string, { start, end }: { start: number; end: number }): AsyncGenerator<Buffer> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new BlobGone(id);
    throw error;
  }
  try {
    let at = start;
    while (at <= end) {
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at + 1));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new Error(`blob ${id} is shorter than its metadata say`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Runs what stores; says StorageFull for a full disk. */
async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const known = unforeseen(error);
    throw known.code === 'StorageFull' ? known : error;
  }
}
