/**
 * Keeps the process alive until it is released, for who waits on something that does not: a clock's timer, a
 * child that was let go. Releasing twice is a no-op.
 */
export function holdOpen(): { release(): void } {
  const handle = setInterval(() => {}, 2 ** 31 - 1);
  return { release: () => clearInterval(handle) };
}
