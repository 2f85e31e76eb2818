import { fork } from 'node:child_process';
import { once } from 'node:events';
import { builtFile } from '../paths.ts';
import type { BareSaid } from './main.ts';

/** The bare baseline, running: its port, and its end. */
export interface BareServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts the baseline with as many worker processes. They end with this process, however it ends. */
export async function startBareServer(workers: number): Promise<BareServer> {
  const child = fork(builtFile('./bare/main.js'), ['server', String(workers)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the bare server ended with exit code ${code}`)));
    child.once('message', (said: BareSaid) => resolve(said.port));
  });
  return {
    port,
    stop: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
