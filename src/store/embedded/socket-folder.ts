import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { HearthError } from '../../errors.ts';

/** What fits into the kernel's address of a Unix socket, less the terminating zero. */
const PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

/** The folder to give to a client, until it is released. */
export interface SocketFolder {
  readonly path: string;
  release(): void;
}

/** Whether the server's socket can be connected to by its path in this folder. */
export function fitsSocket(folder: string): boolean {
  return Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= PATH_BYTES;
}

/**
 * The folder of the server's socket under a name short enough to connect to. For a deep home on Linux that is an
 * open descriptor of it, good in this process only.
 */
export function socketFolder(folder: string): SocketFolder {
  if (fitsSocket(folder)) return { path: folder, release: () => {} };
  if (process.platform !== 'linux') {
    throw new HearthError('ServiceUnavailable', `The path ${folder} is too long for a Unix socket. Choose a shorter HEARTH_HOME.`);
  }
  const fd = openSync(folder, 'r');
  return { path: `/proc/self/fd/${fd}`, release: () => closeSync(fd) };
}
