/**
 * Runs `work` once at a time. Asked again while it runs, it runs once more afterwards, however often it was asked:
 * only the latest state counts. `overtaken` aborts when it is asked again. `work` must not throw.
 */
export function latestOnly(work: (overtaken: AbortSignal) => Promise<void>): () => void {
  let running: AbortController | null = null;
  let again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      running = new AbortController();
      await work(running.signal);
    } while (again);
    running = null;
  };
  return () => {
    if (running === null) return void run();
    again = true;
    running.abort();
  };
}
