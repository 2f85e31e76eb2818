import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../observe/logger.ts';

/** Who knows what is referred to, by digest. */
interface Uses {
  inUse(): { code: Set<string>; dependencies: Set<string> };
}

const SWEEP_MS = 60 * 60_000;

/** Removes code and dependencies that no function refers to, now and every hour; returns the way to stop. */
export function keepSwept(artifacts: Artifacts, uses: Uses, { clock, log }: { clock: Clock; log: Logger }): () => void {
  const sweep = (): void => {
    artifacts.sweep(uses.inUse()).then(
      (bytes) => bytes > 0 && log.info({ bytes }, 'removed what no function refers to'),
      (err: unknown) => log.error({ err }, 'unused artifacts could not be removed'),
    );
    timer = clock.after(SWEEP_MS, sweep);
  };
  let timer: Timer | null = null;
  sweep();
  return () => timer?.cancel();
}
