import type { IdleObservation, Stay } from './keep-alive.ts';

/** Instances and snapshot stay for a fixed time each. A snapshot never goes before the instances that came from it. */
export function fixed(o: IdleObservation): Stay {
  return {
    instancesMs: o.instanceKeepMs,
    snapshotMs: Math.max(o.instanceKeepMs, o.snapshotKeepMs),
    awayMs: null,
    why: 'fixed',
  };
}
