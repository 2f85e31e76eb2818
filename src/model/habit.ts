/** A histogram of idle times in a form that can be stored: counts by minute, zeros at the end left out. */
export interface IdleTimesDocument {
  readonly counts: readonly number[];
  /** How many were longer than the histogram's range. */
  readonly beyond: number;
}

/** How a function is used, as it survives a restart. */
export interface StoredHabit {
  readonly functionId: string;
  readonly idleTimes: IdleTimesDocument;
  /** When it was last at work, milliseconds since the epoch; null: never. */
  readonly lastUsedAtMs: number | null;
}
