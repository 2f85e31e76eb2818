/** What the machine and a version look like when one more instance is asked for. Bytes throughout. */
export interface AdmissionObservation {
  /** Memory the kernel could give without swapping. */
  readonly availableBytes: number;
  /** What must stay free. */
  readonly reserveBytes: number;
  /** Charged for starts under way, whose use does not show yet. */
  readonly pendingBytes: number;
  /** What one more instance of this version is expected to use. */
  readonly estimateBytes: number;
  readonly instances: number;
  readonly maxInstances: number;
  readonly startsUnderWay: number;
  readonly startsAtOnce: number;
  /** Whether it would be forked from a snapshot; how many such starts are under way. */
  readonly forked: boolean;
  readonly forksUnderWay: number;
  readonly forksAtOnce: number;
}

/** `full`: the machine has no room. `later`: it has, but enough starts are under way. */
export type Verdict = 'now' | 'later' | 'full';

/** Admission by measured use plus a reserve: a thousand forked instances of a 128 MB function are not 128 GB. */
export function admit(o: AdmissionObservation): Verdict {
  if (o.instances >= o.maxInstances) return 'full';
  if (o.availableBytes - o.pendingBytes - o.estimateBytes < o.reserveBytes) {
    // A machine that is this small, or this full, still runs one instance at a time.
    return o.instances === 0 && o.startsUnderWay === 0 ? 'now' : 'full';
  }
  if (o.startsUnderWay >= o.startsAtOnce) return 'later';
  return o.forked && o.forksUnderWay >= o.forksAtOnce ? 'later' : 'now';
}
