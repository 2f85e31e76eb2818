import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Bytes that may wait for a slow reader before lines are left out. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

/** An answer of one JSON value a line. Nothing happens to the writer when the reader has left. */
export class LineStream {
  readonly #out = new PassThrough();
  #leftOut = 0;

  constructor() {
    this.#out.on('error', () => undefined); // the reader has left
  }

  write(line: unknown): void {
    if (!this.#out.destroyed && !this.#out.writableEnded) this.#out.write(`${JSON.stringify(line)}\n`);
  }

  /** Writes a line, unless the reader is too slow: then lines are left out, and what `instead` says of their number follows. */
  offer(line: unknown, instead: (leftOut: number) => unknown): void {
    if (this.#out.writableLength > MOST_WAITING_BYTES) {
      this.#leftOut++;
      return;
    }
    if (this.#leftOut > 0) this.write(instead(this.#leftOut));
    this.#leftOut = 0;
    this.write(line);
  }

  end(): void {
    if (!this.#out.destroyed) this.#out.end();
  }

  /** Calls back once, when the reader has left or all was read. */
  onClose(listener: () => void): void {
    this.#out.once('close', listener);
  }

  /** Answers a request with the lines; the head goes out at once, however long the first line takes. */
  answer(reply: FastifyReply): void {
    reply.hijack();
    const response = reply.raw;
    // One that has left already says so no more, and what is written for it would wait for ever.
    if (response.destroyed || response.socket?.destroyed === true) {
      this.#out.destroy();
      return;
    }
    response.on('close', () => this.#out.destroy());
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    this.#out.pipe(response);
  }
}

/** The line answers that are open, so that a server that stops can end them. */
export class OpenLines {
  readonly #open = new Set<LineStream>();

  open(): LineStream {
    const lines = new LineStream();
    this.#open.add(lines);
    lines.onClose(() => this.#open.delete(lines));
    return lines;
  }

  endAll(): void {
    for (const lines of this.#open) lines.end();
  }
}
