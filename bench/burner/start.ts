import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { builtFile } from '../paths.ts';
import type { Releases } from '../releases.ts';

/** Puts `share` of load on every core, from processes that end with this one. */
export async function burn(share: number, releases: Releases): Promise<{ stop: () => Promise<void> }> {
  const burners = Array.from({ length: availableParallelism() }, () => fork(builtFile('./burner/main.js'), [String(share)]));
  const gone = burners.map((burner) => once(burner, 'exit'));
  await Promise.all(burners.map((burner) => once(burner, 'spawn')));
  const stop = async (): Promise<void> => {
    for (const burner of burners) if (burner.connected) burner.disconnect();
    await Promise.all(gone);
  };
  releases.add(stop);
  return { stop };
}
