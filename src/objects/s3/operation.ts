import type { Clock } from '../../lib/clock.ts';
import type { Ids } from '../../lib/ids.ts';
import type { Listeners } from '../events/listeners.ts';
import type { Targets } from '../events/targets.ts';
import type { Place } from '../events/shapes.ts';
import type { ObjectStore } from '../object-store.ts';
import type { S3Answer } from './answer.ts';
import type { S3Request } from './request.ts';

/** What operations work with. */
export interface S3Deps {
  readonly store: ObjectStore;
  readonly place: Place;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Who can be told of what happens. */
  readonly targets: Targets;
  /** Who is told because a function's manifest says so. */
  readonly listeners: Listeners;
}

/** One operation of S3. Rejects with HearthError. */
export type Operation = (r: S3Request, d: S3Deps) => Promise<S3Answer>;

/** The one owner of everything here, as documents have it. */
export function ownerElement(place: Place): { ID: string; DisplayName: string } {
  return { ID: place.accountId.padStart(64, '0'), DisplayName: 'hearth' };
}

/** A time as documents have it. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
