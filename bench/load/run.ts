import { fork } from 'node:child_process';
import { builtFile } from '../paths.ts';
import type { Said } from './main.ts';
import type { LoadResult, Plan } from './plan.ts';

/** Puts the load on, from a process of its own that ends with this one. `onStart` is told when a burst is let go (ms since the epoch). */
export async function runLoad(plan: Plan, onStart: (startedMs: number) => void = () => {}): Promise<LoadResult> {
  const child = fork(builtFile('./load/main.js'), [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    return await new Promise<LoadResult>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => reject(new Error(`the load generator ended early (${signal ?? code})`)));
      child.on('message', (said: Said) => {
        if ('result' in said) resolve(said.result);
        else if ('error' in said) reject(new Error(`the load generator failed: ${said.error}`));
        else onStart(said.startedMs);
      });
      child.send(plan);
    });
  } finally {
    if (child.connected) child.disconnect(); // that ends it
  }
}
