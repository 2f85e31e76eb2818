// The bare baseline: `main.js server WORKERS` is a node:http server that forwards each body as a frame over a Unix socket to one of
// WORKERS processes (`main.js worker SOCKET`) and answers with the frame that comes back. No routing, no metering, no limits, no logs.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { frame, FrameReader } from './frames.ts';

const [role, argument = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit());
if (role === 'server') serve(Number(argument));
else work(argument);

function work(path: string): void {
  const socket = connect(path);
  const reader = new FrameReader();
  socket.on('data', (chunk: Buffer) => {
    for (const content of reader.take(chunk)) socket.write(frame(content));
  });
  socket.on('close', () => process.exit());
}

function serve(workers: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bare-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const pool = new Pool();
  const internal = createServer((socket) => {
    pool.add(socket);
    if (pool.size === workers) announce(pool);
  });
  internal.listen(join(folder, 'workers'), () => {
    for (let i = 0; i < workers; i++) fork(fileURLToPath(import.meta.url), ['worker', join(folder, 'workers')]);
  });
}

function announce(pool: Pool): void {
  const server = createHttpServer((request, response) => pool.forward(request, response));
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
}

type Done = (content: Buffer) => void;

/** One frame at a time to each worker, as an instance has one invocation; what finds none free waits its turn. */
class Pool {
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
