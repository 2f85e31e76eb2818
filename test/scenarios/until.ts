const SAY_AFTER_MS = 60_000;

/**
 * Waits until something is so. No assertion about time: what never becomes so ends with the test's own limit, of which a runner says no more than the file's
 * name; so what is waited for is said before.
 */
export async function until<T>(look: () => T | Promise<T>, everyMs = 20): Promise<NonNullable<T>> {
  const asked = new Error('still waiting here after a minute');
  const hint = setTimeout(() => console.error(asked.stack), SAY_AFTER_MS).unref();
  try {
    for (;;) {
      const seen = await look();
      if (seen) return seen;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  } finally {
    clearTimeout(hint);
  }
}
