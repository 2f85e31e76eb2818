import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesBelow, type Folders, type Unremoved } from './folders.ts';

export interface DownloadCacheOptions {
  /** Its folder, beside those of the artifacts; made by whoever installs. */
  readonly path: string;
  readonly folders: Folders;
  /** Most bytes that are kept. */
  readonly maxBytes: number;
  readonly unremoved: Unremoved;
}

/**
 * What package managers downloaded, kept for the next install. Neither npm nor pip ever removes anything of theirs: with more than there may be, all of it goes.
 * What is missing is fetched again, but not under an install that has just found it there: so it goes when none is under way, and none begins meanwhile.
 */
export class DownloadCache {
  readonly #options: DownloadCacheOptions;
  #installs = 0;
  #due = false;
  #moving: Promise<unknown> = Promise.resolve();

  constructor(options: DownloadCacheOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** Keeps it as it is until what is returned is disposed of. */
  async hold(): Promise<Disposable> {
    this.#installs++;
    await this.#moving;
    return {
      [Symbol.dispose]: () => {
        this.#installs--;
        if (this.#due && this.#installs === 0) void this.#clear();
      },
    };
  }

  /** Removes it when it has become too large: now, or with the end of the last install under way. The bytes freed now. Never rejects. */
  async bound(): Promise<number> {
    const bytes = await bytesBelow(this.#options.path);
    if (bytes <= this.#options.maxBytes) return 0;
    this.#due = true;
    if (this.#installs > 0) return 0;
    await this.#clear();
    return bytes;
  }

  /** Out of the way at once, for installs that begin wait for it; and then removed. What is left half-way goes at the next start. */
  async #clear(): Promise<void> {
    this.#due = false;
    const { path, folders, unremoved } = this.#options;
    const gone = join(folders.tmp, randomUUID());
    const moved = rename(path, gone);
    this.#moving = moved.catch(() => undefined);
    await moved
      .then(() => rm(gone, { recursive: true, force: true }))
      .catch((error: NodeJS.ErrnoException) => error.code === 'ENOENT' || unremoved(error, path));
  }
}
