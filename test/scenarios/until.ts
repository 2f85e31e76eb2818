/** Waits until something is so. No assertion about time: what never becomes so ends with the test's own limit. */
export async function until<T>(look: () => T | Promise<T>, everyMs = 20): Promise<NonNullable<T>> {
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
