import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { HearthError } from '../../errors.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { functionIds } from '../../sandbox/ids.ts';
import type { ForkDriverOptions } from './options.ts';

/** A private temporary directory of one process. */
export interface Temporary {
  readonly path: string;
  /** Takes it away: its path is free at once, what was in it goes in the background. Idempotent. */
  remove(): void;
}

/**
 * The temporary directories of processes, where /tmp can't be private. What a function leaves in one may be as much as its disk holds, so that removing
 * it must not keep the server from anything else: the directory is first moved to where nobody looks for it, then emptied bit by bit.
 */
export class Temporaries {
  readonly #options: Pick<ForkDriverOptions, 'abilities' | 'warn'>;
  readonly #used: string;
  readonly #leaving: string;
  readonly #removals = new Set<Promise<void>>();
  #closed = false;

  /** `directory`: of the driver, which may have what an earlier one left that was killed. */
  constructor(directory: string, options: Pick<ForkDriverOptions, 'abilities' | 'warn'>) {
    this.#options = options;
    this.#used = join(directory, 'tmp');
    this.#leaving = join(directory, 'leaving');
  }

  /** Begins to remove what a driver that was killed has left here. To be called before the first is made. */
  sweep(): void {
    for (const name of entries(this.#used)) this.#leave(name);
    for (const name of entries(this.#leaving)) this.#remove(join(this.#leaving, name));
  }

  /** `name`: unlike any other's. Throws HearthError ServiceException once closed. */
  make(functionId: string, name: string): Temporary {
    if (this.#closed) throw new HearthError('ServiceException', 'the driver is closed');
    const path = join(this.#used, name);
    mkdirSync(this.#used, { recursive: true, mode: 0o711 });
    mkdirSync(path, { mode: 0o700 });
    const { abilities } = this.#options;
    if (abilities.root && abilities.ids !== null) {
      const { uid, gid } = functionIds(functionId, abilities.ids);
      chownSync(path, uid, gid);
    }
    return { path, remove: () => this.#leave(name) };
  }

  /** Removes all that is left, whose processes have ended; resolves when it is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const name of entries(this.#used)) this.#leave(name);
    while (this.#removals.size > 0) await Promise.all(this.#removals);
  }

  #leave(name: string): void {
    const [from, to] = [join(this.#used, name), join(this.#leaving, name)];
    if (!existsSync(from)) return;
    try {
      mkdirSync(this.#leaving, { recursive: true, mode: 0o700 });
      if (!this.#options.abilities.root) chmodSync(from, 0o700); // its function may have closed it; what is moved must be open
      renameSync(from, to);
      this.#remove(to);
    } catch {
      this.#remove(from); // a full disk, say
    }
  }

  #remove(path: string): void {
    const removal = removeTree(path).catch((error: Error) => {
      this.#options.warn(`the temporary directory ${path} could not be removed, and is tried again at the next start: ${error.message}`);
    });
    this.#removals.add(removal);
    void removal.then(() => this.#removals.delete(removal));
  }
}

function entries(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
