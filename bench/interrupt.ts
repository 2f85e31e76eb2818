import type { Releases } from './releases.ts';

const EXIT_CODE = 130;
/** Where `sh` is bash, npm hands a Ctrl-C on that has reached this process by itself: it comes twice, a millisecond apart. Who means it a second time says so later. */
const ECHO_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * From now on a signal that would end the process lets go of everything first. One that comes again, later than as an echo, ends it at once: what leads
 * programs then cleans up after them. Returns what puts things back as they were; it never resolves once a signal has come, so that nobody goes on.
 */
export function onInterrupt(releases: Releases): () => Promise<void> {
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
  return async () => {
    if (sinceMs !== null) await new Promise(() => {});
    for (const signal of SIGNALS) process.off(signal, interrupted);
  };
}
