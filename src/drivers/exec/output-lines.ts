import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { LogSink } from '../../fleet/driver.ts';

/** Longest line that is passed on whole; Lambda's limit of one log event. */
const MAX_LINE_CHARS = 256 * 1024;

/** Lines that one stream of one program has passed on in a turn of the event loop: it may print without end. Nor does it read more than a pipe holds. */
const LINES_A_TURN = 4_096;

/** A round reads more than a pipe holds; a program that never stops printing is not waited for. */
const MOST_ROUNDS = 4;

/**
 * What a program prints, cut into lines and given to the request that is running when it arrives. A custom runtime writes no marks
 * between invocations, so what it still holds in buffers of its own when it answers (console.log of Node.js to a pipe) comes
 * later and belongs to nobody; a line cut in two by that is passed on in two.
 */
export class OutputLines {
  #requestId: string | null = null;
  readonly #sink: LogSink;
  readonly #streams: readonly Readable[];
  readonly #rest: string[];
  /** Lines of each stream that wait for their turn. */
  readonly #waiting: string[][];
  readonly #ended: Promise<unknown>;
  #arrivals = 0;
  #drains = 0;

  constructor(sink: LogSink, streams: readonly Readable[]) {
    this.#sink = sink;
    this.#streams = streams;
    this.#rest = streams.map(() => '');
    this.#waiting = streams.map(() => []);
    this.#ended = Promise.all(streams.map((stream, index) => this.#follow(stream, index)));
  }

  /** To whom lines belong from now on; null: to nobody, or to one of several. Of a line that is not complete, what is there belongs to who was before. */
  belongTo(requestId: string | null): void {
    this.#flush();
    this.#requestId = requestId;
  }

  /**
   * Resolves when what the program had printed until now has been passed on. A turn of the event loop reads all that lies in
   * the pipes; a turn in which nothing came shows that they were empty.
   */
  async drain(): Promise<void> {
    this.#drains++; // whoever waits has all of it at once
    this.#passAll();
    let seen = -1;
    for (let round = 0; seen !== this.#arrivals && round < MOST_ROUNDS; round++) {
      seen = this.#arrivals;
      await turn();
      await turn();
    }
    this.#drains--;
    this.#flush();
  }

  /** Passes on the last of it. For when the program has ended: a stray process may hold the pipes open, but is not waited for. */
  async end(): Promise<void> {
    await this.drain();
    for (const stream of this.#streams) stream.destroy();
    await this.#ended;
    this.#flush();
  }

  #follow(stream: Readable, index: number): Promise<void> {
    const decoder = new StringDecoder('utf8');
    stream.on('data', (chunk: Buffer) => {
      this.#arrivals++;
      this.#take(index, decoder.write(chunk));
      stream.pause();
      this.#passTurn(stream, index);
    });
    stream.on('error', () => {}); // 'close' follows
    // A program that ended without a word has closed its end before anybody listened.
    if (stream.closed) return Promise.resolve();
    return new Promise((resolve) => stream.once('close', resolve));
  }

  #take(index: number, text: string): void {
    const lines = (this.#rest[index] + text).split('\n');
    let rest = lines.pop() as string;
    for (; rest.length > MAX_LINE_CHARS; rest = rest.slice(MAX_LINE_CHARS)) lines.push(rest.slice(0, MAX_LINE_CHARS));
    this.#rest[index] = rest;
    for (const line of lines) this.#waiting[index]!.push(line);
  }

  #passTurn(stream: Readable, index: number): void {
    const waiting = this.#waiting[index]!;
    this.#pass(waiting.splice(0, this.#drains > 0 ? waiting.length : LINES_A_TURN));
    setImmediate(() => (waiting.length === 0 ? stream.resume() : this.#passTurn(stream, index)));
  }

  #passAll(): void {
    for (const waiting of this.#waiting) this.#pass(waiting.splice(0));
  }

  #pass(lines: readonly string[]): void {
    for (const line of lines) this.#sink.line(this.#requestId, line);
  }

  #flush(): void {
    this.#passAll();
    for (const [index, rest] of this.#rest.entries()) {
      this.#rest[index] = '';
      if (rest !== '') this.#sink.line(this.#requestId, rest);
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
