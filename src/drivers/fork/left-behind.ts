import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '../../lib/clock.ts';
import { killTree } from '../../supervisor/process-tree.ts';

/**
 * Ends what a server left that was killed together with its supervisor: whatever ran has ended by itself, but an instance that was stopped does not notice that
 * its host has gone. Such processes are told by the socket that they were started with, which is one home's alone. To be called before anything is started.
 * Returns how many there were; none where there is no /proc.
 */
export async function endLeftBehind(socketPath: string, clock: Clock): Promise<number> {
  const left = processesWith(`HEARTH_SOCKET=${socketPath}`);
  if (left.length > 0) await killTree(clock, left);
  return left.length;
}

/** Those in whose environment a variable was when their program began. Only what we may look at is found. */
function processesWith(variable: string): number[] {
  const names = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return names.map(Number).filter((pid) => pid !== process.pid && environmentOf(pid).includes(variable));
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return []; // gone, or another user's
  }
}
