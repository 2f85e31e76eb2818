/** What one version's queue looks like at one moment. */
export interface QueueObservation {
  /** Invocations waiting. */
  readonly queued: number;
  /** Instances being started. */
  readonly starting: number;
  /** Invocations one instance takes at a time. */
  readonly concurrency: number;
}

/**
 * How many more instances to start: enough that everyone who waits is covered by one that is on its way, and never
 * more than wait. Limits are not its business.
 *
 *     ceil(queued / concurrency) - starting, at least 0
 */
export function startsWanted(o: QueueObservation): number {
  return Math.max(0, Math.ceil(o.queued / o.concurrency) - o.starting);
}
