import type { IdleTimesView } from '../idle-times.ts';

/** A function that has just fallen idle. */
export interface IdleObservation {
  readonly functionName: string;
  readonly idleTimes: IdleTimesView;
  /** How long its instances are kept under the fixed policy, milliseconds. */
  readonly instanceKeepMs: number;
  /** How long its snapshot is. */
  readonly snapshotKeepMs: number;
}

/** What of a function is resident while it is idle. All times in milliseconds from when it fell idle. */
export interface Stay {
  /** Its idle instances end; the last one of a function that can't be forked stays as long as a snapshot would. */
  readonly instancesMs: number;
  /** Its snapshot goes. */
  readonly snapshotMs: number;
  /** When not null: nothing stays, and the snapshot is made again so long after, to stay until `snapshotMs`. */
  readonly awayMs: number | null;
  /** For people: which rule decided, and from what. */
  readonly why: string;
}

/** Decides what stays resident of a function that fell idle at `nowMs` (monotonic). Pure. */
export type KeepAlivePolicy = (o: IdleObservation, nowMs: number) => Stay;
