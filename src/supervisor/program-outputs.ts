import { chmodSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { deferred } from '../lib/deferred.ts';

/** Where one program's stdout and stderr arrive. */
export interface ProgramOutputs {
  /** Of the socket. */
  readonly path: string;
  /** Both, once the program has connected them. */
  readonly accepted: Promise<[Socket, Socket]>;
  /** Nobody connects any more; what is connected stays. */
  close(): Promise<void>;
}

/** Listens for the two connections of one program, whichever user it runs as. */
export async function listenForOutputs(path: string): Promise<ProgramOutputs> {
  const accepted = deferred<[Socket, Socket]>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // the stream's end tells
    sockets.push(socket);
    const [stdout, stderr] = sockets;
    if (stdout !== undefined && stderr !== undefined) accepted.resolve([stdout, stderr]);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o666);
  const close = async (): Promise<void> => {
    server.close();
    await rm(path, { force: true });
  };
  return { path, accepted: accepted.promise, close };
}
