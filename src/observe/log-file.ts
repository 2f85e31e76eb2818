import { appendFile, mkdir, open, rename, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { GrowingBuffer } from '../lib/growing-buffer.ts';
import { SpareBuffers } from '../lib/spare-buffers.ts';
import type { LogLine } from './function-logs.ts';
import { trimLog } from './log-trim.ts';

/** What a flush interval of a function that is called now and then comes to. */
const INITIAL_BYTES = 4 * 1024;
const SPARE = new SpareBuffers(() => new GrowingBuffer(INITIAL_BYTES));
/** Waits at most for the file's writes, beside what is being written: what comes on top of it is lost, and counted. */
const MOST_WAITING_BYTES = 4 << 20;
/** The same for all files together, with what is being written: a disk that takes nothing holds the writes of every function. */
const MOST_BACKLOG_BYTES = 64 << 20;

/** Mode of the folders of logs: other functions have users of their own, who may pass through a home of root's. */
export const CLOSED = 0o700;

/** What waits for all files that share it, and is being written, bytes. */
export interface Backlog {
  bytes: number;
}

/**
 * The log of one function: `current.log`, and `previous.log` once it was full; together at most `maxBytes`.
 * One line a record: time, stream, request id, text, parted by tabs; the text is last since it may hold tabs itself.
 */
export class LogFile {
  readonly #name: string;
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #backlog: Backlog;
  #pending: GrowingBuffer | null = null;
  #bytes: number | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** The last of the writes has not begun yet: it takes along what comes until then. */
  #queued = false;
  /** How many lines have found no room behind those that wait, and the last of them. */
  #lost = 0;
  #lastLost: LogLine | null = null;

  constructor(name: string, folder: string, limits: { readonly maxBytes: number; readonly backlog: Backlog }) {
    this.#name = name;
    this.#folder = folder;
    this.#maxBytes = limits.maxBytes;
    this.#backlog = limits.backlog;
  }

  /** Buffers a line; returns how many bytes it takes: none of one that comes faster than the disk takes them, which is lost. */
  append(line: LogLine): number {
    this.#pending ??= SPARE.take();
    if (this.#pending.length >= MOST_WAITING_BYTES || this.#backlog.bytes >= MOST_BACKLOG_BYTES) {
      this.#lost++;
      this.#lastLost = line;
      return 0;
    }
    const bytes = this.#pending.write(recordOf(line));
    this.#backlog.bytes += bytes;
    return bytes;
  }

  /** Writes what is buffered; writes of one file follow one another, each with all that came until it began. A failure loses what it could not write. */
  flush(): Promise<void> {
    if (this.#pending === null || this.#queued) return this.#writing;
    this.#queued = true;
    this.#writing = this.#writing.then(() => this.#writePending());
    return this.#writing;
  }

  /** Removes the lines of before a time, milliseconds since the epoch, once what is being written is. Rejects with the system's error. */
  trim(sinceMs: number): Promise<void> {
    const trimmed = this.#writing.then(async () => {
      this.#bytes = null; // looked for again: there is less, or nothing
      for (const name of FILES) await trimLog(join(this.#folder, name), sinceMs);
    });
    this.#writing = trimmed.catch(() => {});
    return trimmed;
  }

  /**
   * The lines since a time (milliseconds since the epoch) in the order in which they came, in portions, between which others get their turn. Reads what is
   * in the files, from about where those lines begin.
   */
  async *scan(sinceMs: number): AsyncGenerator<readonly LogLine[]> {
    const files = await this.#open();
    try {
      for (const file of files) yield* this.#linesFrom(file, await firstSince(file, sinceMs), sinceMs);
    } finally {
      await Promise.all(files.map((file) => file.close()));
    }
  }

  /** The newest lines since a time, oldest first: so many, or all there are. Reads of the files little more than them. */
  async last(count: number, sinceMs: number): Promise<LogLine[]> {
    const files = await this.#open();
    try {
      let lines: LogLine[] = [];
      for (const file of files.toReversed()) {
        if (lines.length >= count) break;
        const older: LogLine[] = [];
        const from = await startOfLast(file, count - lines.length, await firstSince(file, sinceMs));
        for await (const portion of this.#linesFrom(file, from, sinceMs)) for (const line of portion) older.push(line);
        lines = older.concat(lines);
      }
      return newest(lines, count);
    } finally {
      await Promise.all(files.map((file) => file.close()));
    }
  }

  /** What is kept, in bytes, and since when there is a log at all, milliseconds since the epoch; null: there is none. */
  async extent(): Promise<{ readonly bytes: number; readonly sinceMs: number } | null> {
    const found = await Promise.all([this.#folder, ...FILES.map((f) => join(this.#folder, f))].map((path) => stat(path).catch(() => null)));
    const [folder, ...files] = found;
    if (folder === null || folder === undefined) return null;
    return { bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0), sinceMs: Math.floor(folder.birthtimeMs) };
  }

  /** The older file first. The newer one is opened first: when it is moved in between, it is the same file twice. */
  async #open(): Promise<FileHandle[]> {
    const [older, newer] = FILES.map((f) => join(this.#folder, f));
    const current = await opened(newer);
    const previous = await opened(older);
    if (previous === null || current === null) return [previous ?? current ?? []].flat();
    if ((await previous.stat()).ino !== (await current.stat()).ino) return [previous, current];
    await previous.close();
    return [current];
  }

  async *#linesFrom(file: FileHandle, from: number, sinceMs: number): AsyncGenerator<readonly LogLine[]> {
    const { size } = await file.stat();
    const portion = Buffer.allocUnsafe(PORTION_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (let at = from; at < size;) {
      const { bytesRead } = await file.read(portion, 0, Math.min(portion.length, size - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const whole = Buffer.concat([rest, portion.subarray(0, bytesRead)]);
      const end = whole.lastIndexOf(NEWLINE) + 1;
      rest = whole.subarray(end);
      const lines = whole
        .toString('utf8', 0, end)
        .split('\n')
        .map((record) => this.#parse(record));
      yield lines.filter((line) => line !== null && line.timeMs >= sinceMs) as LogLine[];
    }
  }

  async #writePending(): Promise<void> {
    const pending = this.#pending;
    this.#queued = false;
    this.#pending = null;
    if (pending === null) return;
    const { length } = pending;
    if (this.#lastLost !== null) {
      const text = `hearth: lines lost here, since they came faster than they could be written: ${this.#lost}`;
      pending.write(recordOf({ ...this.#lastLost, requestId: null, text }));
      this.#lost = 0;
      this.#lastLost = null;
    }
    await this.#write(pending.bytes())
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        this.#bytes = null; // somebody has removed the folder, of which nothing was written then: it is made anew
        return this.#write(pending.bytes());
      })
      .catch(() => {
        this.#bytes = null; // looked for again: a part may have been written
      });
    this.#backlog.bytes -= length;
    SPARE.give(pending);
  }

  async #write(chunk: Buffer): Promise<void> {
    const current = join(this.#folder, 'current.log');
    if (this.#bytes === null) {
      await mkdir(this.#folder, { recursive: true, mode: CLOSED });
      this.#bytes = await mended(current);
    }
    if (this.#bytes > this.#maxBytes / 2) {
      await rename(current, join(this.#folder, 'previous.log'));
      this.#bytes = 0;
    }
    await appendFile(current, chunk);
    this.#bytes += chunk.length;
  }

  #parse(record: string): LogLine | null {
    const match = RECORD.exec(record);
    if (match === null) return null;
    const [, time = '', stream = '', requestId = '', text = ''] = match;
    return { timeMs: Number(time), function: this.#name, stream, requestId: requestId === '' ? null : requestId, text };
  }
}

/** The size of a log, bytes, once what a full disk or a kill cut off in it is a line of its own: what comes next would be part of it. 0: there is none. */
async function mended(path: string): Promise<number> {
  const { size, isFile } = await stat(path).then(
    (found) => ({ size: found.size, isFile: found.isFile() }),
    () => ({ size: 0, isFile: false }),
  );
  if (!isFile || size === 0) return size;
  const file = await open(path, 'a+');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] === NEWLINE) return size;
    await file.appendFile('\n');
    return size + 1;
  } finally {
    await file.close();
  }
}

/** The older, the newer. */
const FILES = ['previous.log', 'current.log'] as const;
const NEWLINE = 10;
const PORTION_BYTES = 256 * 1024;
const RECORD = /^(\d+(?:\.\d+)?)\t([^\t]*)\t([^\t]*)\t([^]*)$/;

function recordOf({ timeMs, stream, requestId, text }: Omit<LogLine, 'function'>): string {
  return `${timeMs}\t${stream}\t${requestId ?? ''}\t${text}\n`;
}

/** The last so many of a list. */
export function newest<T>(list: readonly T[], count: number): T[] {
  return list.slice(Math.max(0, list.length - count));
}

function opened(path: string | undefined): Promise<FileHandle | null> {
  return open(path ?? '').catch(() => null);
}

/** Where to begin so as to miss no line since a time: lines are in the order of their times, so that a few of them tell. */
async function firstSince(file: FileHandle, sinceMs: number): Promise<number> {
  const { size } = await file.stat();
  let [low, high] = [0, sinceMs <= 0 ? 0 : size];
  while (high - low > PORTION_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const line = await lineAfter(file, middle, high);
    if (line === null || line.timeMs >= sinceMs) high = middle;
    else low = line.at;
  }
  return low;
}

/** Where the last lines of a file begin: so many of them, or all that begin at a place or after it. */
async function startOfLast(file: FileHandle, count: number, least: number): Promise<number> {
  const portion = Buffer.allocUnsafe(PORTION_BYTES);
  let ends = count + 1; // of those lines, and of the one before them
  for (let to = (await file.stat()).size; to > least;) {
    const from = Math.max(least, to - portion.length);
    const { bytesRead } = await file.read(portion, 0, to - from, from);
    for (let at = bytesRead; at > 0;) {
      at = portion.lastIndexOf(NEWLINE, at - 1);
      if (at >= 0 && --ends === 0) return from + at + 1;
    }
    to = from;
  }
  return least;
}

/** The first line that begins after a place and before another; null when there is none whose time can be read. */
async function lineAfter(file: FileHandle, from: number, to: number): Promise<{ at: number; timeMs: number } | null> {
  const buffer = Buffer.allocUnsafe(MOST_LINE_BYTES);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  const start = buffer.subarray(0, bytesRead).indexOf(NEWLINE) + 1;
  if (start === 0 || from + start >= to) return null;
  const timeMs = Number.parseFloat(buffer.toString('latin1', start, Math.min(bytesRead, start + TIME_BYTES)));
  return Number.isNaN(timeMs) ? null : { at: from + start, timeMs };
}

/** A line of the most that is passed on whole, with what is written before it. */
const MOST_LINE_BYTES = 300 * 1024;
const TIME_BYTES = 24;
