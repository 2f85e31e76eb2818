import { closeSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { readAll } from '../client/body.ts';
import type { ExitCode } from './exit-codes.ts';

/** What a server in the background says once it answers, on a descriptor its parent reads. */
export interface Readiness {
  readonly endpoint: string;
}

/** What it says when it can't: a CliError. */
export interface Failure {
  readonly error: { readonly message: string; readonly fix?: string; readonly output: string | null; readonly exitCode: ExitCode };
}

/** Says it, and closes the descriptor. A parent that has gone is none of our business. */
export function announce(fd: number, readiness: Readiness | Failure): void {
  try {
    writeSync(fd, `${JSON.stringify(readiness)}\n`);
    closeSync(fd);
  } catch (error) {
    if (!['EPIPE', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** What was announced on the stream; null when it ended without a word: the process is gone. */
export async function readinessOn(stream: Readable): Promise<Readiness | Failure | null> {
  const text = (await readAll(stream)).toString('utf8').trim();
  return text === '' ? null : (JSON.parse(text) as Readiness | Failure);
}
