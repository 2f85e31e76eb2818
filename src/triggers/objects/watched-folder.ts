import { watch, type FSWatcher } from 'chokidar';
import { createReadStream, type Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { HearthError } from '../../errors.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import { sleep } from '../../lib/sleep.ts';
import type { TriggerLog } from '../trigger.ts';

/** A file as the bucket knows it, or as it lies in the folder. */
export interface FileState {
  readonly size: number;
  readonly modifiedMs: number;
}

/** The bucket that a folder is. */
export interface FolderBucket {
  /** Makes the bucket unless it is there. */
  ensure(): Promise<void>;
  /** What was stored of a file; null when there is no such object, or it did not come from the folder. */
  known(key: string): Promise<FileState | null>;
  /** Stores a file; durable, with its event, when it resolves. Rejects with HearthError. */
  put(key: string, content: AsyncIterable<Buffer>, state: FileState): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface WatchedFolderDeps {
  /** Absolute, without links on the way; must be there. */
  readonly folder: string;
  readonly bucket: FolderBucket;
  readonly clock: Clock;
  readonly log: TriggerLog;
}

/** Files that are stored at once: each waits for the disk and for the database, which write what comes together once. */
const AT_ONCE = 8;
/** A file counts as written when it has not grown for this long. */
const STILL_MS = 500;
/** What failed for a reason that may pass is tried again after this. */
const AGAIN_MS = 2_000;
/** How often it is looked whether the folder is still the same: one that was moved, or whose disk was taken out or put in, tells nothing of it. */
const LOOK_MS = 2_000;
/** Names of files that programs are still writing, or keep for themselves. */
const PASSED_OVER = /^\.|~$|\.(part|partial|crdownload|tmp|swp)$/i;

/**
 * A folder as a bucket: what is dropped there is stored and makes its event; what is changed is stored again; what is removed is removed. A file
 * that lies there at the start is stored once: after a restart only if it is another by size or time. A few files are taken at once, what happens to
 * one in its order. Links are not followed. What is removed while nobody looks stays in the bucket, and so
 * does all when the folder itself goes: it is watched anew when it is back.
 */
export class WatchedFolder {
  readonly #deps: WatchedFolderDeps;
  #watcher: FSWatcher;
  /** Which folder it is that is watched; null: none, since it is gone. */
  #identity: string | null = null;
  readonly #identified: Promise<void>;
  #looking: Timer;
  readonly #ready: Promise<void>;
  readonly #ensured: Promise<void>;
  /** What is to be done, by file. */
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();
  readonly #underWay = new Map<string, Promise<void>>();
  #closed = false;

  constructor(deps: WatchedFolderDeps) {
    this.#deps = deps;
    this.#ensured = this.#trying('', () => deps.bucket.ensure());
    this.#identified = identityOf(deps.folder).then((identity) => void (this.#identity = identity));
    this.#watcher = this.#watch();
    this.#ready = new Promise((resolve) => this.#watcher.once('ready', resolve));
    this.#looking = this.#lookLater();
  }

  /** Resolves when what lay there at the start was seen. */
  async ready(): Promise<void> {
    await this.#ready;
  }

  /** Ends it, once the files that are being stored are. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#looking.cancel();
    await this.#watcher.close();
    await Promise.all([this.#ensured, ...this.#underWay.values()]);
  }

  #watch(): FSWatcher {
    const { folder, log } = this.#deps;
    return watch(folder, {
      // The server lives by its socket: a handle that is opened while all closes must not hold it.
      persistent: false,
      followSymlinks: false,
      ignored: (path) => path !== folder && PASSED_OVER.test(path.slice(path.lastIndexOf(sep) + 1)),
      awaitWriteFinish: { stabilityThreshold: STILL_MS, pollInterval: 100 },
    })
      .on('add', (path) => this.#enqueue(path, () => this.#take(path)))
      .on('change', (path) => this.#enqueue(path, () => this.#take(path)))
      .on('unlink', (path) => this.#enqueue(path, () => this.#remove(path)))
      .on('unlinkDir', (path) => {
        if (path === folder) this.#gone(); // be it back before anybody looks
      })
      .on('error', (err) => log.warn({ err, folder }, 'a watched folder could not be read'));
  }

  #gone(): void {
    if (this.#identity === null) return;
    this.#identity = null;
    const { folder, log } = this.#deps;
    log.warn(
      { folder },
      'a watched folder is gone, or another is in its place: its objects stay, and it is watched again when it is there',
    );
  }

  #lookLater(): Timer {
    return this.#deps.clock.after(LOOK_MS, () => {
      void this.#look().then(() => {
        if (!this.#closed) this.#looking = this.#lookLater();
      });
    });
  }

  async #look(): Promise<void> {
    await this.#identified;
    const identity = await identityOf(this.#deps.folder);
    if (identity === this.#identity || this.#closed) return;
    this.#gone();
    void this.#watcher.close();
    this.#identity = identity;
    if (identity !== null) this.#watcher = this.#watch();
  }

  #key(path: string): string {
    return relative(this.#deps.folder, path).split(sep).join('/');
  }

  #enqueue(path: string, work: () => Promise<void>): void {
    const before = this.#waiting.get(path);
    if (before === undefined) this.#waiting.set(path, [work]);
    else before.push(work);
    this.#begin();
  }

  /** Begins as much as may be at once: of each file one thing, what came first. */
  #begin(): void {
    for (const [path, works] of this.#waiting) {
      if (this.#closed || this.#underWay.size >= AT_ONCE) return;
      const work = this.#underWay.has(path) ? undefined : works.shift();
      if (works.length === 0) this.#waiting.delete(path);
      if (work === undefined) continue;
      const done = this.#ensured
        .then(() => this.#trying(path, work))
        .then(() => {
          this.#underWay.delete(path);
          this.#begin();
        });
      this.#underWay.set(path, done);
    }
  }

  async #take(path: string): Promise<void> {
    const key = this.#key(path);
    const stat = await this.#whenStill(join(this.#deps.folder, key));
    if (!stat.isFile()) return;
    const state = { size: stat.size, modifiedMs: Math.floor(stat.mtimeMs) };
    const known = await this.#deps.bucket.known(key);
    if (known !== null && known.size === state.size && known.modifiedMs === state.modifiedMs) return;
    await this.#deps.bucket.put(key, contentOf(path), state);
  }

  async #remove(path: string): Promise<void> {
    const { folder, bucket } = this.#deps;
    await this.#identified;
    if ((await identityOf(folder)) !== this.#identity) this.#gone();
    if (this.#identity !== null) await bucket.remove(this.#key(path));
  }

  /** What lies there at the start is told of at once, though somebody may be writing it. */
  async #whenStill(path: string): Promise<Stats> {
    const { clock } = this.#deps;
    for (let before: Stats | null = null; ;) {
      const stat: Stats = await lstat(path);
      const isStill =
        before === null ? Math.abs(clock.now() - stat.mtimeMs) >= STILL_MS : before.mtimeMs === stat.mtimeMs && before.size === stat.size;
      if (isStill || this.#closed) return stat;
      before = stat;
      await sleep(clock, STILL_MS);
    }
  }

  /** Never rejects. Tries again while the database is away or the disk is full; a file that went meanwhile is no matter. */
  async #trying(path: string, work: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#deps;
    for (let attempt = 1; !this.#closed; attempt++) {
      try {
        await work();
        return;
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code === 'ENOENT') return;
        if (attempt === 1) log.warn({ err, path }, 'a file of a watched folder could not be stored');
        if (!mayPass(err)) return;
        await sleep(clock, AGAIN_MS);
      }
    }
  }
}

/** Which folder lies at a path; null when none does. */
async function identityOf(folder: string): Promise<string | null> {
  const stat = await lstat(folder).catch(() => null);
  return stat?.isDirectory() === true ? `${stat.dev}:${stat.ino}:${stat.birthtimeMs}` : null;
}

function mayPass(err: unknown): boolean {
  if (err instanceof HearthError) return err.fault === 'platform';
  return ['EMFILE', 'ENFILE'].includes((err as NodeJS.ErrnoException).code ?? '');
}

/** Opened by its first reader: an error that comes before anybody reads would end the server. */
async function* contentOf(path: string): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path)) yield chunk as Buffer;
}
