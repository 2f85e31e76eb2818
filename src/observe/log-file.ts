import { appendFile, mkdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GrowingBuffer } from '../lib/growing-buffer.ts';
import type { LogLine } from './function-logs.ts';

/** What a flush interval of a function that is called now and then comes to. */
const INITIAL_BYTES = 4 * 1024;

/**
 * The log of one function: `current.log`, and `previous.log` once it was full; together at most `maxBytes`.
 * One line a record: time, stream, request id, text, parted by tabs; the text is last since it may hold tabs itself.
 */
export class LogFile {
  readonly #name: string;
  readonly #folder: string;
  readonly #maxBytes: number;
  #pending: GrowingBuffer | null = null;
  #bytes: number | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(name: string, folder: string, maxBytes: number) {
    this.#name = name;
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Buffers a line; returns how many bytes it takes. */
  append(line: LogLine): number {
    this.#pending ??= new GrowingBuffer(INITIAL_BYTES);
    return this.#pending.write(`${line.timeMs}\t${line.stream}\t${line.requestId ?? ''}\t${line.text}\n`);
  }

  /** Writes what is buffered; writes of one file follow one another. A failure loses what it could not write. */
  flush(): Promise<void> {
    if (this.#pending === null) return this.#writing;
    const chunk = this.#pending.bytes();
    this.#pending = null;
    this.#writing = this.#writing.then(() => this.#write(chunk)).catch(() => undefined);
    return this.#writing;
  }

  async read(sinceMs: number): Promise<LogLine[]> {
    const texts = await Promise.all(['previous.log', 'current.log'].map((f) => readFile(join(this.#folder, f), 'utf8').catch(() => '')));
    return texts
      .join('')
      .split('\n')
      .map((record) => this.#parse(record))
      .filter((line) => line !== null && line.timeMs >= sinceMs) as LogLine[];
  }

  async #write(chunk: Buffer): Promise<void> {
    const current = join(this.#folder, 'current.log');
    if (this.#bytes === null) {
      await mkdir(this.#folder, { recursive: true });
      this.#bytes = await stat(current).then(
        (s) => s.size,
        () => 0,
      );
    }
    if (this.#bytes > this.#maxBytes / 2) {
      await rename(current, join(this.#folder, 'previous.log'));
      this.#bytes = 0;
    }
    await appendFile(current, chunk);
    this.#bytes += chunk.length;
  }

  #parse(record: string): LogLine | null {
    const match = /^(\d+(?:\.\d+)?)\t([^\t]*)\t([^\t]*)\t([^]*)$/.exec(record);
    if (match === null) return null;
    const [, time = '', stream = '', requestId = '', text = ''] = match;
    return { timeMs: Number(time), function: this.#name, stream, requestId: requestId === '' ? null : requestId, text };
  }
}
