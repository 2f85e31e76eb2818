import type { Socket } from 'node:net';
import { FrameDecoder } from '../../runtimes/frames.ts';
import type { OnFrame } from '../../runtimes/frames.ts';
import { MAX_FRAME_BYTES } from '../../runtimes/protocol.ts';

/** Frames of one read, which has 64 kB at most, after which others get their turn: honest ones of that size are few. */
const MOST_AT_ONCE = 256;

/**
 * One process's connection, from its greeting on. Whatever can't be understood ends it: the process then ends itself, as every
 * shim does that loses its host.
 */
export class Peer {
  readonly #socket: Socket;
  readonly #decoder: FrameDecoder;
  #onFrame: OnFrame;
  #onClose: (() => void) | null = null;
  #closed = false;
  /** Of the read that is being taken. */
  #frames = 0;
  /** Why the connection was given up by this side, or null. */
  complaint: string | null = null;

  /** `maxBytes`: of a frame, until the process is known. */
  constructor(socket: Socket, onFrame: OnFrame, maxBytes = MAX_FRAME_BYTES) {
    this.#socket = socket;
    this.#onFrame = onFrame;
    this.#decoder = new FrameDecoder((type, request, payload) => {
      this.#frames++;
      this.#onFrame(type, request, payload);
    }, maxBytes);
    socket.on('data', (chunk: Buffer) => {
      if (this.#closed) return;
      this.#frames = 0;
      try {
        this.#decoder.push(chunk);
      } catch (error) {
        this.drop((error as Error).message);
      }
      if (this.#frames > MOST_AT_ONCE) this.#letOthers();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#ended());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** It is one of ours: from now on its frames may be as long as frames are. */
  known(): void {
    this.#decoder.allow(MAX_FRAME_BYTES);
  }

  /** Who takes the frames from now on; may throw to end the connection. */
  handle(onFrame: OnFrame): void {
    this.#onFrame = onFrame;
  }

  /** Calls back once, when the connection has ended and every frame that came has been handed on. */
  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#onClose = listener;
  }

  write(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes);
  }

  /** Writes several buffers with one system call. */
  writeAll(parts: readonly Buffer[]): void {
    if (this.#closed) return;
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** Gives the connection up. */
  drop(complaint: string | null = null): void {
    this.complaint ??= complaint;
    this.#socket.destroy();
  }

  /** A process that floods the server with small frames must not keep it from everything else: a socket is read 32 times in one turn of the event loop. */
  #letOthers(): void {
    this.#socket.pause();
    setImmediate(() => this.#socket.resume());
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    const listener = this.#onClose;
    this.#onClose = null;
    listener?.();
  }
}
