/** A queue that has nothing its callers could take, since the machine is full. */
export interface Rival {
  /** Instances of its version, those on their way included. */
  readonly share: number;
  /** Instances that it still waits for. */
  readonly unmet: number;
}

/**
 * For which of those that wait for the machine a queue gives up an instance that frees, though it has callers of its own waiting; null: for none. Who has the
 * least comes first, and of those who has waited longest. Nothing moves to and fro between who has one more and who has one less; but who has
 * nothing gets a turn.
 */
export function yieldTo<R extends Rival>(ownShare: number, rivals: Iterable<R>): R | null {
  let least: R | null = null;
  for (const rival of rivals) {
    if (rival.unmet > 0 && rival.share + (rival.share === 0 ? 0 : 1) < ownShare && (least === null || rival.share < least.share))
      least = rival;
  }
  return least;
}
