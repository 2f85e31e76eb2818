import type { Releases } from './releases.ts';

const EXIT_CODE = 130;
/** npm hands a Ctrl-C on that has reached this process by itself, so that it comes twice. Who means it a second time says so later. */
const ECHO_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * From now on a signal that would end the process lets go of everything first. One that comes again, later than as an echo, ends it at once: what leads
 * programs then cleans up after them. Returns what puts things back as they were.
 */
export function onInterrupt(releases: Releases): () => void {
  let sinceMs: number | null = null;
  const interrupted = (): void => {
    if (sinceMs !== null) {
      if (performance.now() - sinceMs > ECHO_MS) process.exit(EXIT_CODE);
      return;
    }
    sinceMs = performance.now();
    process.stderr.write('interrupted: ending what was started\n');
    void releases
      .end()
      .catch((error: unknown) => process.stderr.write(`error: ${(error as Error).message}\n`))
      .finally(() => process.exit(EXIT_CODE));
  };
  for (const signal of SIGNALS) process.on(signal, interrupted);
  return () => {
    for (const signal of SIGNALS) process.off(signal, interrupted);
  };
}
