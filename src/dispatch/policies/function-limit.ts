/** What counts against a function's reserved concurrency when one of its versions is called. */
export interface ConcurrencyObservation {
  /** Of this version. */
  readonly inFlight: number;
  readonly queued: number;
  /** Places that its other versions have taken of what they share. */
  readonly elsewhere: number;
  readonly concurrency: number;
  /** Most instances that the version may have; null = no limit of its own. */
  readonly max: number | null;
  /** Those of them that no other version may have: what is provisioned for it. */
  readonly provisioned: number;
}

/** How many places a version has taken of what the function's versions share: all beyond what is provisioned for it. */
export function sharedPlaces(o: Pick<ConcurrencyObservation, 'inFlight' | 'queued' | 'concurrency' | 'provisioned'>): number {
  return Math.max(0, o.inFlight + o.queued - o.provisioned * o.concurrency);
}

/**
 * Whether one more invocation is within the function's reserved concurrency: a place of what is provisioned for the version is free, or one of what all
 * versions share.
 */
export function withinFunctionLimit(o: ConcurrencyObservation): boolean {
  if (o.max === null || o.inFlight + o.queued < o.provisioned * o.concurrency) return true;
  return sharedPlaces(o) + o.elsewhere < Math.max(0, o.max - o.provisioned) * o.concurrency;
}
