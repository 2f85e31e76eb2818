import type { Shortfall } from './minimum.ts';
import type { Stay } from './policies/keep-alive.ts';
import { phaseOf, type Phase } from './policies/phase.ts';

/** What is to become of what is kept of a version, for people. */
export interface Outlook {
  readonly phase: Phase | 'busy';
  /** On the wall clock, milliseconds since the epoch; null where it does not apply. */
  readonly snapshotUntilMs: number | null;
  readonly instancesUntilMs: number | null;
  readonly backAtMs: number | null;
  readonly why: string;
}

/** What is known of a version: whether it is at work, since when it is not (milliseconds since the epoch), and for how long. */
interface Seen {
  readonly busy: boolean;
  readonly idleAtMs: number;
  readonly idleMs: number;
  readonly stay: Stay;
  /** Instances that are always to be there, and why they are not. */
  readonly min: number;
  readonly shortfall: Shortfall | null;
}

export function outlookOf({ busy, idleAtMs, idleMs, stay, min, shortfall }: Seen): Outlook {
  const always = min > 0;
  const why = always ? `min ${min}${shortfall === null ? '' : `, not there: ${shortfall.message}`}` : stay.why;
  if (busy) return { phase: 'busy', snapshotUntilMs: null, instancesUntilMs: null, backAtMs: null, why };
  const phase = always ? 'here' : phaseOf(stay, idleMs);
  return {
    phase,
    snapshotUntilMs: always || phase === 'over' ? null : idleAtMs + stay.snapshotMs,
    instancesUntilMs: phase === 'here' ? idleAtMs + stay.instancesMs : null,
    backAtMs: phase === 'away' && stay.awayMs !== null ? idleAtMs + stay.awayMs : null,
    why,
  };
}
