/**
 * Does something for each of many, a few at a time. When one fails no more are begun, and it rejects with what came first once those under way have ended:
 * nothing goes on behind the back of who waits.
 */
export async function together<T>(items: Iterable<T>, atOnce: number, task: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | null = null;
  const work = async (): Promise<void> => {
    for (let next = rest.next(); failure === null && next.done !== true; next = rest.next()) {
      try {
        await task(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
}
