/** What a start does: forks a snapshot that is there, waits for the one that is being made of its version, or runs the init phase. */
export type StartKind = 'fork' | 'share' | 'init';

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
  /** Alive, and on their way. */
  readonly instances: number;
  readonly arriving: number;
  readonly maxInstances: number;
  readonly startsUnderWay: number;
  /** What one more would be. */
  readonly kind: StartKind;
  /** Forks of all versions under way, and this version's starts that wait for its snapshot; most of either at once. */
  readonly forksUnderWay: number;
  readonly shares: number;
  readonly forksAtOnce: number;
  /** Init phases under way: of all versions, of this one, and of how many versions they are, without those whose only wait; most at once. */
  readonly inits: number;
  readonly ownInits: number;
  readonly versionsInInit: number;
  readonly startsAtOnce: number;
}

/** `full`: the machine has no room. `later`: it has, but enough starts are under way. */
export type Verdict = 'now' | 'later' | 'full';

/** Admission by measured use plus a reserve: a thousand forked instances of a 128 MB function are not 128 GB. */
export function admit(o: AdmissionObservation): Verdict {
  if (o.instances + o.arriving >= o.maxInstances) return 'full';
  if (o.availableBytes - o.pendingBytes - o.estimateBytes < o.reserveBytes) {
    // A machine that is this small, or this full, still runs one instance at a time.
    return o.instances === 0 && o.startsUnderWay === 0 ? 'now' : 'full';
  }
  return enough(o) ? 'later' : 'now';
}

/** A slow init phase, or many of one version, hold up neither forks nor another version's first start. */
function enough(o: AdmissionObservation): boolean {
  switch (o.kind) {
    case 'fork':
      return o.forksUnderWay >= o.forksAtOnce;
    case 'share':
      return o.shares >= o.forksAtOnce;
    case 'init':
      return (o.ownInits === 0 ? o.versionsInInit : o.inits) >= o.startsAtOnce;
    default:
      return o.kind satisfies never;
  }
}
