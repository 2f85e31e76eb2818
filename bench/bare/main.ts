// The bare baseline: `main.js server WORKERS` is a node:http server that forwards each body as a frame over a Unix socket to one of
// WORKERS processes (`main.js worker SOCKET`) and answers with the frame that comes back. No routing, no metering, no limits, no logs.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { frame, FrameReader } from './frames.ts';
import { Pool } from './pool.ts';

/** What the server says to its parent. */
export interface BareSaid {
  readonly port: number;
}

const [role, argument = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit());
// A Ctrl-C reaches all processes of a terminal: who ended by it would leave its folder. The parent's end is theirs.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
if (role === 'server') serve(Number(argument));
else work(argument);

function work(path: string): void {
  const socket = connect(path);
  const reader = new FrameReader();
  socket.on('data', (chunk: Buffer) => {
    for (const content of reader.take(chunk)) socket.write(frame(content));
  });
  socket.on('error', () => {}); // the server has gone, which is how a worker ends
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
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port } satisfies BareSaid));
}
