import { connect, type Socket } from 'node:net';
import { HOST } from './plan.ts';
import { type HttpAnswer, readAnswer } from './answer.ts';

/** An answer with when it was complete, on `now()`'s scale; or why there is none. */
export type Received = { readonly answer: HttpAnswer; readonly atMs: number } | { readonly error: Error };

const CONNECT_MS = 5_000;

/** Milliseconds of the monotonic clock that all threads and processes of this machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * One keep-alive connection to a port of this machine: one request at a time, nothing parsed that is not needed, so that the
 * generator costs little beside what it measures. After an error `open` again; `close` may come at any time.
 */
export class HttpSocket {
  readonly #port: number;
  #socket: Socket | null = null;
  #waiting: ((received: Received) => void) | null = null;
  #pending: Buffer | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  get isOpen(): boolean {
    return this.#socket !== null && !this.#socket.destroyed && this.#socket.writable;
  }

  /** Connects, unless it is connected. */
  async open(): Promise<void> {
    if (this.isOpen) return;
    const socket = connect({ host: HOST, port: this.#port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error(`no connection to port ${this.#port} within ${CONNECT_MS} ms`)));
      socket.once('connect', resolve).once('error', reject);
    });
    socket.setTimeout(0);
    socket.removeAllListeners('error');
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    const lost = (error: Error): void => {
      if (this.#socket === socket) this.#settle({ error }); // one that was replaced has no say any more
    };
    socket.on('error', lost);
    socket.on('close', () => lost(new Error('the connection was closed before the answer')));
  }

  /** Sends; `done` is called once, with the answer or the error. */
  send(request: Buffer, done: (received: Received) => void): void {
    if (this.#waiting !== null) throw new Error('one request at a time');
    if (!this.isOpen) return done({ error: new Error('not connected') });
    this.#waiting = done;
    this.#socket?.write(request);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #take(chunk: Buffer): void {
    const bytes = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    try {
      const answer = readAnswer(bytes);
      this.#pending = answer === null ? bytes : null;
      if (answer === null) return;
      const received = { answer, atMs: now() };
      if (answer.header('connection') === 'close') this.#socket?.destroy();
      this.#settle(received);
    } catch (error) {
      this.#settle({ error: error as Error });
      this.#socket?.destroy();
    }
  }

  #settle(received: Received): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#pending = null;
    waiting?.(received);
  }
}

/** Connections opened at a time: fewer than a listener's backlog holds. */
const OPENED_AT_ONCE = 100;

export async function openAll(sockets: readonly HttpSocket[]): Promise<void> {
  for (let i = 0; i < sockets.length; i += OPENED_AT_ONCE)
    await Promise.all(sockets.slice(i, i + OPENED_AT_ONCE).map((socket) => socket.open()));
}
