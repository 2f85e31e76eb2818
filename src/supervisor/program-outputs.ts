import { chmodSync, chownSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { deferred } from '../lib/deferred.ts';

/** Where one program's stdout and stderr arrive. */
export interface ProgramOutputs {
  /** Of the socket. */
  readonly path: string;
  /** Both, once the program has connected them; null when it has not in `patienceMs`, having died before it could. */
  connected(clock: Clock, patienceMs: number): Promise<[Socket, Socket] | null>;
  /** Nobody connects any more; both stay where both are connected. */
  close(): Promise<void>;
}

/** Listens for the two connections of one program, which runs as `owner`; null: as the server's own user. Nobody else's may connect, root's excepted. */
export async function listenForOutputs(
  path: string,
  owner: { readonly uid: number; readonly gid: number } | null,
): Promise<ProgramOutputs> {
  const accepted = deferred<[Socket, Socket]>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // the stream's end tells
    if (sockets.push(socket) > 2) return void socket.destroy();
    const [stdout, stderr] = sockets;
    if (stdout !== undefined && stderr !== undefined) accepted.resolve([stdout, stderr]);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  if (owner !== null) chownSync(path, owner.uid, owner.gid);
  const close = async (): Promise<void> => {
    server.close();
    if (sockets.length < 2) for (const socket of sockets) socket.destroy();
    await rm(path, { force: true });
  };
  const connected = async (clock: Clock, patienceMs: number): Promise<[Socket, Socket] | null> => {
    const late = deferred<null>();
    const timer = clock.after(patienceMs, () => late.resolve(null));
    const both = await Promise.race([accepted.promise, late.promise]);
    timer.cancel();
    return both;
  };
  return { path, connected, close };
}
