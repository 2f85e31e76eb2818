/** What one version's queue looks like at one moment. Times in milliseconds. */
export interface QueueObservation {
  /** Invocations waiting. */
  readonly queued: number;
  /** How long the first of them has waited while no instance freed; 0 while they do. */
  readonly oldestWaitMs: number;
  /** Instances being started. */
  readonly starting: number;
  /** Invocations in flight that may end as soon as one does as a rule: of those that have lasted long, nothing is known. */
  readonly young: number;
  /** Invocations one instance takes at a time. */
  readonly concurrency: number;
  /** How long invocations of this version last as a rule; null while none has ended. */
  readonly runMs: number | null;
  /** How long its starts take as a rule; null while none has ended. */
  readonly startMs: number | null;
}

/**
 * How many more instances to start: one for each that waits and would be served by a new instance sooner than by one that frees, less those on
 * their way. The n-th in the queue expects to wait n times the usual run, divided by those in flight that have not lasted long; who has waited as long as a start takes is no
 * longer asked to trust that. Never more than wait; limits are not its business.
 */
export function startsWanted(o: QueueObservation): number {
  const uncovered = Math.max(0, o.queued - patient(o));
  return Math.max(0, Math.ceil(uncovered / o.concurrency) - o.starting);
}

/** How many at the head of the queue do better to wait for an instance that frees. */
function patient(o: QueueObservation): number {
  if (o.young === 0 || o.runMs === null || o.startMs === null || o.oldestWaitMs >= o.startMs) return 0;
  return Math.floor((o.startMs * o.young) / Math.max(o.runMs, 0.01));
}
