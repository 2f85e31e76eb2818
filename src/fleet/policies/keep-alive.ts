/** An idle instance, as the keep-alive sees it. Milliseconds on the monotonic clock. */
export interface IdleObservation {
  readonly idleForMs: number;
  readonly keepAliveMs: number;
  /** Instances of its version that are alive, itself included. */
  readonly alive: number;
  readonly min: number;
  /** Whether its revision still serves. */
  readonly current: boolean;
}

/** Whether an idle instance is to end: its time is up and the version keeps its minimum, or its revision is history. */
export function expired(o: IdleObservation): boolean {
  if (!o.current) return true;
  return o.alive > o.min && o.idleForMs >= o.keepAliveMs;
}
