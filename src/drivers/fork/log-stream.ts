import type { Socket } from 'node:net';
import type { LogSink } from '../../fleet/driver.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import type { Deferred } from '../../lib/deferred.ts';
import { FewMap } from '../../lib/few-map.ts';
import { logMark } from '../../runtimes/protocol.ts';

/** Longest line that is passed on whole; Lambda's limit of one log event. */
const MAX_LINE_BYTES = 256 * 1024;
/** Taken from one process before others get their turn; a line costs as much as so many bytes more. */
const TURN_BYTES = 256 * 1024;
const LINE_BYTES = 64;
/** How long after its answer an invocation's mark may take, when a function has broken its own log. */
const MARK_PATIENCE_MS = 1_000;

const NEWLINE = 10;

interface Open {
  /** Made when somebody waits for it. */
  done: Deferred<void> | null;
  patience: Timer | null;
}

/** What one process prints, cut into lines and told apart by invocation with the marks that the shim writes between them. */
export class LogStream {
  readonly #mark: Buffer;
  readonly #sink: LogSink;
  readonly #clock: Clock;
  readonly #serial: boolean;
  /** Invocations whose mark has not come yet, oldest first. */
  readonly #open = new FewMap<string, Open>();
  readonly #closed = deferred<void>();
  #over = false;
  #socket: Socket | null = null;
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** What was taken in this turn, and what has come and waits for the next. */
  #turnBytes = 0;
  #waiting: Buffer[] = [];
  /** The last line that was printed, for an error that has to say why a process ended. */
  lastLine = '';

  constructor(options: { token: string; sink: LogSink; clock: Clock; concurrency: number }) {
    this.#mark = Buffer.from(logMark(options.token));
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#serial = options.concurrency === 1;
  }

  /** Settles when the process has closed its end and every line has been passed on. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Takes the connection that greeted with this stream's token; `first` came with the greeting. */
  attach(socket: Socket, first: Buffer): void {
    this.#socket = socket;
    if (this.#over) {
      socket.destroy();
      return;
    }
    socket.on('data', (chunk: Buffer) => this.push(chunk));
    socket.on('close', () => this.end());
    if (first.length > 0) this.push(first);
  }

  /** What is printed from now on may belong to this invocation. */
  begin(requestId: string): void {
    this.#open.set(requestId, { done: null, patience: null });
  }

  /**
   * The invocation was answered: settles when its mark has come, the stream has ended, or a second has passed. Null when there is nothing to
   * wait for: without a mark, all that was printed had been read from the socket before the answer was.
   */
  finish(requestId: string, marked: boolean): Promise<void> | null {
    if (!marked) this.#readBuffered();
    const open = this.#open.get(requestId);
    if (open === undefined || this.#over) return null;
    if (!marked) {
      if (this.#restBytes > 0) this.#line(this.#join(Buffer.alloc(0))); // ended as the mark would have ended it
      this.#open.delete(requestId);
      return null;
    }
    open.done = deferred();
    open.patience = this.#clock.after(MARK_PATIENCE_MS, () => this.#marked(requestId));
    return open.done.promise;
  }

  push(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#waiting.length > 0) this.#waiting.push(chunk);
    else this.#take(chunk, TURN_BYTES);
  }

  /** No more will come: what is left is a line too. Idempotent. */
  end(): void {
    if (this.#over) return;
    this.#takeWaiting();
    if (this.#restBytes > 0) this.#line(this.#join(Buffer.alloc(0)));
    this.#over = true;
    this.#socket?.destroy();
    for (const [requestId] of this.#open.entries()) this.#marked(requestId);
    this.#closed.resolve();
  }

  /** What a paused socket has read ahead, and what waits. */
  #readBuffered(): void {
    if ((this.#socket?.readableLength ?? 0) > 0) this.#socket?.read(); // 'data' tells of it
    this.#takeWaiting();
  }

  /** Out of turn. */
  #takeWaiting(): void {
    for (const chunk of this.#waiting.splice(0)) this.#take(chunk, Number.POSITIVE_INFINITY);
  }

  /** A process that prints without end must not keep the server from everything else: what is more than a turn may have waits, and so does the socket. */
  #take(chunk: Buffer, most: number): void {
    if (this.#turnBytes === 0) setImmediate(() => this.#nextTurn());
    let from = 0;
    let at = chunk.indexOf(NEWLINE);
    for (; at >= 0 && this.#turnBytes < most; at = chunk.indexOf(NEWLINE, from)) {
      this.#line(this.#restBytes === 0 ? chunk.subarray(from, at) : this.#join(chunk.subarray(from, at)));
      this.#turnBytes += at + 1 - from + LINE_BYTES;
      from = at + 1;
    }
    const left = chunk.subarray(from);
    if (at >= 0) this.#waiting.push(left);
    else if (left.length > 0) {
      this.#turnBytes += left.length;
      this.#keep(left);
    }
    if (this.#turnBytes >= most) this.#socket?.pause();
  }

  #nextTurn(): void {
    this.#turnBytes = 0;
    for (const chunk of this.#waiting.splice(0)) this.push(chunk);
    if (this.#turnBytes < TURN_BYTES) this.#socket?.resume();
  }

  #keep(part: Buffer): void {
    this.#rest.push(part);
    this.#restBytes += part.length;
    if (this.#restBytes <= MAX_LINE_BYTES) return;
    const whole = this.#join(Buffer.alloc(0));
    const left = this.#cut(whole);
    this.#rest = [left];
    this.#restBytes = left.length;
  }

  #join(last: Buffer): Buffer {
    this.#rest.push(last);
    const whole = Buffer.concat(this.#rest, this.#restBytes + last.length);
    this.#rest = [];
    this.#restBytes = 0;
    return whole;
  }

  #line(line: Buffer): void {
    const mark = line.indexOf(this.#mark);
    if (mark < 0) return this.#text(line);
    if (mark > 0) this.#text(line.subarray(0, mark));
    this.#marked(line.toString('latin1', mark + this.#mark.length));
  }

  #text(line: Buffer): void {
    let left = line;
    while (left.length > MAX_LINE_BYTES) left = this.#cut(left);
    this.#emit(left);
  }

  /** Passes on as much as a line may have and returns what is left, cutting neither a character nor a mark in two. */
  #cut(bytes: Buffer): Buffer {
    let at = MAX_LINE_BYTES;
    const nul = bytes.lastIndexOf(0, at);
    if (nul > at - this.#mark.length && nul > 0) at = nul;
    else for (let back = 0; back < 3 && (bytes[at]! & 0xc0) === 0x80; back++) at--;
    this.#emit(bytes.subarray(0, at));
    return bytes.subarray(at);
  }

  #emit(line: Buffer): void {
    // Decoding makes invalid UTF-8 harmless; NUL is a character that nobody downstream expects.
    let text = line.toString('utf8');
    if (text.endsWith('\r')) text = text.slice(0, -1);
    if (text.includes('\u0000')) text = text.replaceAll('\u0000', '\ufffd');
    this.lastLine = text;
    this.#sink.line(this.#owner(text), text);
  }

  /** Whose line it is. One at a time: the oldest whose mark is still to come. Else the one that the line itself names. */
  #owner(text: string): string | null {
    const oldest = this.#open.firstKey();
    if (oldest === undefined || this.#serial || this.#open.size === 1) return oldest ?? null;
    const named = text.split('\t', 3).find((field) => this.#open.has(field));
    return named ?? null;
  }

  #marked(requestId: string): void {
    const open = this.#open.get(requestId);
    if (open === undefined) return;
    this.#open.delete(requestId);
    open.patience?.cancel();
    open.done?.resolve();
  }
}
