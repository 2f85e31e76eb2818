import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { frame, FrameReader } from './frames.ts';

type Done = (content: Buffer) => void;

/** One frame at a time to each worker, as an instance has one invocation; what finds none free waits its turn. */
export class Pool {
  readonly #free: ((content: Buffer, done: Done) => void)[] = [];
  readonly #queue: (() => void)[] = [];
  size = 0;

  add(socket: Socket): void {
    this.size += 1;
    const reader = new FrameReader();
    let waiting: Done = () => {};
    const send = (content: Buffer, done: Done): void => {
      waiting = done;
      socket.write(frame(content));
    };
    socket.on('data', (chunk: Buffer) => {
      for (const content of reader.take(chunk)) {
        waiting(content);
        this.#free.push(send);
        this.#queue.shift()?.();
      }
    });
    this.#free.push(send);
  }

  forward(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.#dispatch(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks), response));
  }

  #dispatch(body: Buffer, response: ServerResponse): void {
    const send = this.#free.pop();
    if (send === undefined) {
      this.#queue.push(() => this.#dispatch(body, response));
      return;
    }
    send(body, (content) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': content.length });
      response.end(content);
    });
  }
}
