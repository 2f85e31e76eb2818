import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../lib/clock.ts';
import { CLOSED, LogFile, newest, type Backlog } from './log-file.ts';

/** One line that a function (or the platform on its behalf) printed. */
export interface LogLine {
  /** When it arrived, milliseconds since the epoch. */
  readonly timeMs: number;
  readonly function: string;
  readonly stream: string;
  readonly requestId: string | null;
  readonly text: string;
}

export interface LogQuery {
  readonly function?: string;
  readonly sinceMs?: number;
  /** At most this many, the newest. */
  readonly tail?: number;
}

const FLUSH_MS = 200;
/** Read at once at most: a log has a million lines, and each takes a few hundred bytes of memory. */
const MOST_LINES = 100_000;
/** How many more than can be needed are held before they are looked through. */
const SPARE_LINES = 10_000;
/** Written out at once when this much waits: a function that floods its log must not fill the server's memory. */
const FLUSH_BYTES = 1 << 20;

/**
 * What functions print, kept in files of bounded size under `<root>/<function>/`, and passed on to followers as it comes.
 * Appending never waits and never throws; a full disk loses log lines, not invocations.
 */
export class FunctionLogs {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #files = new Map<string, LogFile>();
  readonly #backlog: Backlog = { bytes: 0 };
  readonly #followers = new Set<(line: LogLine) => void>();
  #oldest: (name: string) => number = () => 0;
  #timer: Timer | null = null;
  #buffered = 0;

  constructor(options: { root: string; clock: Clock; maxBytes: number }) {
    this.#root = options.root;
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes;
  }

  append(line: LogLine): void {
    this.#buffered += this.#file(line.function).append(line);
    for (const follower of this.#followers) follower(line);
    if (this.#buffered >= FLUSH_BYTES) this.#begin();
    else this.#timer ??= this.#clock.after(FLUSH_MS, () => this.#begin());
  }

  /** Calls `listener` for every line from now on; returns the way to stop. */
  follow(listener: (line: LogLine) => void): () => void {
    this.#followers.add(listener);
    return () => this.#followers.delete(listener);
  }

  /** From now on no line of a function is given out that is older than this says, milliseconds since the epoch; `expire` removes them. */
  keepSince(oldest: (name: string) => number): void {
    this.#oldest = oldest;
  }

  /** Removes what is older than it is to be kept. Rejects with the system's error for one log, and has gone on with the others then. */
  async expire(): Promise<void> {
    const faults: unknown[] = [];
    for (const name of await this.#names()) {
      const oldestMs = this.#oldest(name);
      if (oldestMs > 0)
        await this.#file(name)
          .trim(oldestMs)
          .catch((error: unknown) => faults.push(error));
    }
    if (faults.length > 0) throw faults[0];
  }

  /** Lines of the past, oldest first: the newest of them, which begin with one that says so where there are more than may be read. */
  async read({ function: only, sinceMs = 0, tail }: LogQuery): Promise<LogLine[]> {
    await this.flush();
    const most = Math.min(tail ?? Infinity, MOST_LINES + 1);
    const sorted = (lines: LogLine[]): LogLine[] =>
      newest(
        lines.sort((a, b) => a.timeMs - b.timeMs),
        most,
      );
    let found: LogLine[] = [];
    for (const name of only === undefined ? await this.#names() : [only]) {
      for (const line of await this.#file(name).last(most, Math.max(sinceMs, this.#oldest(name)))) found.push(line);
      // Now and then, not after each of thousands of functions.
      if (found.length > 2 * most + SPARE_LINES) found = sorted(found);
    }
    const lines = sorted(found);
    const [first] = lines;
    if (first === undefined || lines.length <= MOST_LINES) return lines;
    const text = `hearth: there are more lines before this; these are the newest ${MOST_LINES}`;
    return [{ ...first, stream: 'platform', requestId: null, text }, ...lines.slice(1)];
  }

  /** The lines of one function since a time, oldest first, in portions. */
  async *scan(name: string, sinceMs: number): AsyncGenerator<readonly LogLine[]> {
    await this.flush();
    yield* this.#file(name).scan(Math.max(sinceMs, this.#oldest(name)));
  }

  /** How much is kept of a function's log, and since when there is one; null: there is none yet. */
  async extent(name: string): Promise<{ readonly bytes: number; readonly sinceMs: number } | null> {
    await this.flush();
    return this.#file(name).extent();
  }

  async flush(): Promise<void> {
    this.#begin();
    await Promise.all([...this.#files.values()].map((f) => f.flush()));
  }

  /** Removes a function's log. */
  async remove(name: string): Promise<void> {
    const file = this.#files.get(name);
    this.#files.delete(name);
    await file?.flush(); // it would make the folder again
    await rm(join(this.#root, name), { recursive: true, force: true });
  }

  /** Removes the logs of all functions but these: of those that were removed when a server was killed, before it came to their logs. */
  async retain(names: ReadonlySet<string>): Promise<void> {
    for (const name of await this.#names()) if (!names.has(name)) await this.remove(name);
  }

  async close(): Promise<void> {
    this.#followers.clear();
    this.#oldest = () => 0; // nothing more is removed
    await this.flush();
  }

  /** Begins to write what waits. Nobody waits for its end: while a disk takes nothing, those who did would add up. */
  #begin(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#buffered = 0;
    for (const file of this.#files.values()) void file.flush();
  }

  #file(name: string): LogFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new LogFile(name, join(this.#root, name), { maxBytes: this.#maxBytes, backlog: this.#backlog });
      this.#files.set(name, file);
    }
    return file;
  }

  async #names(): Promise<string[]> {
    await mkdir(this.#root, { recursive: true, mode: CLOSED });
    const entries = await readdir(this.#root, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  }
}
