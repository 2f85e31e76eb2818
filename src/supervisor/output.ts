import { closeSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Output } from './messages.ts';

/** Both outputs of a program about to be started, in the form node:child_process takes them; `close` drops this process's own ends. */
export interface OpenOutput {
  readonly stdout: number | Socket | 'ignore';
  readonly stderr: number | Socket | 'ignore';
  readonly close: () => void;
}

/** Opens what a program will write to. Rejects with the system's error. */
export async function openOutput(output: Output | null): Promise<OpenOutput> {
  if (output === null) return { stdout: 'ignore', stderr: 'ignore', close: () => undefined };
  if ('file' in output) {
    const file = openSync(output.file, 'w', 0o600);
    return { stdout: file, stderr: file, close: () => closeSync(file) };
  }
  const stdout = await connected(output.socket);
  const stderr = await connected(output.socket).catch((error: unknown) => {
    stdout.destroy();
    throw error;
  });
  return {
    stdout,
    stderr,
    close() {
      stdout.destroy();
      stderr.destroy();
    },
  };
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', reject);
  });
}
