/**
 * Runs `work` once at a time. Asked again while it runs, it runs once more afterwards, however often it was asked:
 * only the latest state counts. `work` must not throw.
 */
export function latestOnly(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    do {
      again = false;
      await work();
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
