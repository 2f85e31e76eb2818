import { stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import type { FSWatcher } from 'chokidar';
import type { Clock, Timer } from '../lib/clock.ts';
import { IGNORE_FILE, type Ignore } from './ignore.ts';

/**
 * Editors write a file in several steps: wait until this long nothing more happened. Longer than the 50 ms for which
 * chokidar swallows further changes of a file, or the last of two quick saves would be lost.
 */
const QUIET_MS = 60;
/** A folder that is not there any more is looked for so often. */
const GONE_MS = 250;

export interface Watch {
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly path: string;
  /** What is not looked at, by the rules as they are now: asked again when the folder's `.hearthignore` changes. */
  readonly rules?: () => Promise<Ignore>;
  readonly clock: Clock;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/** Calls `onChange` once after each burst of changes at or below `path`. Resolves when changes are being seen. */
export async function watch(options: WatchOptions): Promise<Watch> {
  const watched = new Watched(options);
  await watched.begin();
  return watched;
}

/** Of a folder that is not there: no folder is this one, so whichever comes, the same one as well, is watched anew. */
const NOT_THERE = 'not there';

/**
 * A folder that is removed and made again, as by `git checkout`, is another one, of which its watcher knows nothing: it is waited for, and watched anew.
 * So is a folder whose `.hearthignore` changes: a watcher knows nothing of what was left out when it began.
 */
class Watched implements Watch {
  readonly #options: WatchOptions;
  #watcher: FSWatcher | null = null;
  #folder: string | null = null;
  #timer: Timer | undefined;
  #otherRules = false;
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  async begin(): Promise<void> {
    const { watch: start } = await import('chokidar');
    const { path, rules, onError } = this.#options;
    this.#folder = await folderAt(path);
    const ignored = await rules?.();
    const watcher = start(path, {
      ignoreInitial: true,
      atomic: false,
      ignored: (candidate, stats) => {
        const below = relative(path, candidate).split(sep).join('/');
        return below !== '' && below !== IGNORE_FILE && (ignored?.(below, stats?.isDirectory() ?? false) ?? false);
      },
    });
    this.#watcher = watcher;
    watcher.on('all', (_, touched) => this.#touched(touched));
    watcher.on('error', onError);
    await new Promise<void>((resolve) => void watcher.once('ready', resolve));
    if (this.#closed) await watcher.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#watcher?.close();
  }

  #touched(path: string): void {
    if (relative(this.#options.path, path) === IGNORE_FILE) this.#otherRules = true;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(QUIET_MS, () => void this.#settled().catch(this.#options.onError));
  }

  async #settled(): Promise<void> {
    const otherRules = this.#otherRules;
    this.#otherRules = false;
    if (otherRules && (await folderAt(this.#options.path)) === this.#folder) return this.#anew();
    this.#options.onChange();
    await this.#look();
  }

  async #look(): Promise<void> {
    if (this.#folder === null) return; // a file: chokidar sees to its return
    const folder = await folderAt(this.#options.path);
    if (this.#closed || folder === this.#folder) return;
    this.#timer?.cancel();
    if (folder !== null) return this.#anew();
    this.#folder = NOT_THERE;
    this.#timer = this.#options.clock.after(GONE_MS, () => void this.#look().catch(this.#options.onError));
  }

  /** What changes meanwhile is seen by whoever is told after it. */
  async #anew(): Promise<void> {
    if (this.#closed) return;
    await this.#watcher?.close();
    await this.begin();
    if (!this.#closed) this.#options.onChange();
  }
}

/** What tells a folder from another of the same name; null where there is none. */
async function folderAt(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() === true ? `${found.dev} ${found.ino} ${found.birthtimeMs}` : null;
}
