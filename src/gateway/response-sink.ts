import type { ServerResponse } from 'node:http';
import type { AnswerSink } from '../model/answer-sink.ts';

/**
 * A streamed answer on its way into a response. A client that reads slowly makes its handler wait, one that leaves does not: as on Lambda,
 * the handler then runs to its end, and what it writes goes nowhere.
 */
export abstract class ResponseSink implements AnswerSink {
  readonly limitBytes: number;
  protected readonly response: ServerResponse;
  #bytes = 0;
  #begun = false;
  #deaf: boolean;
  /** Those who are told when what was written before has gone out. */
  #waiting: (() => void)[] = [];

  constructor(response: ServerResponse, limitBytes: number) {
    this.response = response;
    this.limitBytes = limitBytes;
    this.#deaf = response.destroyed;
    response.on('drain', () => this.#release());
    response.once('close', () => this.stopReading());
  }

  get begun(): boolean {
    return this.#begun;
  }

  get bytes(): number {
    return this.#bytes;
  }

  begin(contentType: string): void {
    this.#begun = true;
    if (!this.#deaf) this.open(contentType);
  }

  write(piece: Buffer, taken: () => void): void {
    this.#bytes += piece.length;
    if (this.#deaf || this.put(piece)) taken();
    else this.#waiting.push(taken);
  }

  abstract finish(): void;

  /** Sends what comes before the first piece. */
  protected abstract open(contentType: string): void;

  /** Sends a piece; false when no more should come before the response has drained. */
  protected abstract put(piece: Buffer): boolean;

  /** What comes from now on is dropped. */
  protected stopReading(): void {
    this.#deaf = true;
    this.#release();
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const taken of waiting) taken();
  }
}
