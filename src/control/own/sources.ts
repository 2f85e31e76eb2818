import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HearthError } from '../../errors.ts';
import type { Clock, Timer } from '../../lib/clock.ts';

export interface SourcesOptions {
  /** A folder of its own; emptied at start, since nothing refers to what is in it. */
  readonly folder: string;
  readonly clock: Clock;
  /** Most bytes of one source. */
  readonly maxBytes: number;
  /** How long one is kept that nobody deploys. */
  readonly keepMs: number;
}

/** Of what is too large so much is read to be able to say so, in terms of what may come. */
const MOST_READ = 2;

interface Held {
  /** A file of its own. */
  readonly path: string;
  /** Uploads that were not yet deployed; two functions may come from one folder. */
  claims: number;
  timer: Timer;
}

/** Zips between their upload and their deployment, on disk. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #held = new Map<string, Held>();

  private constructor(options: SourcesOptions) {
    this.#options = options;
  }

  static async open(options: SourcesOptions): Promise<Sources> {
    await rm(options.folder, { recursive: true, force: true });
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    return new Sources(options);
  }

  /** Keeps what a stream brings. Throws RequestTooLargeException, and what the disk says; a stream that breaks leaves nothing. */
  async add(stream: Readable): Promise<{ source: string; bytes: number }> {
    const { folder, maxBytes } = this.#options;
    const arriving = join(folder, `${randomUUID()}.zip`);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      const file = await open(arriving, 'wx', 0o600);
      try {
        let failure: Error | null = null;
        for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          // Told when all was sent, as a full disk is: most clients listen no sooner, and a connection that is closed on them takes the answer with it.
          if (bytes > maxBytes) failure ??= tooLarge(maxBytes);
          if (bytes > maxBytes * MOST_READ) break;
          if (failure !== null) continue;
          hash.update(chunk);
          failure = await file.appendFile(chunk).then(
            () => null,
            (error: Error) => error,
          );
        }
        if (failure !== null) throw failure;
      } finally {
        await file.close();
      }
      const source = hash.digest('hex');
      if (!this.#claim(source, arriving)) await rm(arriving, { force: true });
      return { source, bytes };
    } catch (error) {
      await rm(arriving, { force: true });
      throw error;
    }
  }

  /** A source's bytes. Throws ResourceNotFoundException when it is unknown or was dropped. */
  async read(source: string): Promise<Buffer> {
    const held = this.#held.get(source);
    if (held === undefined) throw unknown(source);
    return readFile(held.path).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? unknown(source) : error; // more deployments of it than uploads: the last but one took it away
    });
  }

  /** One deployment of it has ended; with the last claim it goes. */
  async release(source: string): Promise<void> {
    const held = this.#held.get(source);
    if (held === undefined || --held.claims > 0) return;
    await this.#drop(source, held);
  }

  has(source: string): boolean {
    return this.#held.has(source);
  }

  /** Stops the clocks; the files go at the next start. */
  close(): void {
    for (const held of this.#held.values()) held.timer.cancel();
  }

  /** Whether the file at `path` is what is kept of the source; false: one that came before is. None has the place of one that is just being removed. */
  #claim(source: string, path: string): boolean {
    const held = this.#held.get(source);
    held?.timer.cancel();
    this.#held.set(source, { path: held?.path ?? path, claims: (held?.claims ?? 0) + 1, timer: this.#expiry(source) });
    return held === undefined;
  }

  #expiry(source: string): Timer {
    return this.#options.clock.after(this.#options.keepMs, () => {
      const held = this.#held.get(source);
      if (held !== undefined) void this.#drop(source, held).catch(() => undefined); // goes at the next start
    });
  }

  async #drop(source: string, held: Held): Promise<void> {
    held.timer.cancel();
    this.#held.delete(source);
    await rm(held.path, { force: true });
  }
}

function tooLarge(maxBytes: number): HearthError {
  return new HearthError(
    'RequestTooLargeException',
    `A source may have at most ${maxBytes} bytes. List what is not needed in .hearthignore.`,
  );
}

function unknown(source: string): HearthError {
  return new HearthError(
    'ResourceNotFoundException',
    `There is no source ${source}: it was deployed or has expired. Upload it again with POST /hearth/v1/sources.`,
  );
}
