import type { Want } from '../ledger.ts';

/** One lane as the sharing sees it. */
export interface LaneObservation {
  readonly lane: string;
  readonly inFlight: number;
  readonly window: number;
}

/**
 * Who gets how many of the places that are free, asked in turn. A lane gets at most half of what is left, so that one that comes later finds a place
 * even while the others have long runs.
 */
export function share(lanes: readonly LaneObservation[], free: number): Want[] {
  const wants: Want[] = [];
  let left = free;
  for (const { lane, inFlight, window } of lanes) {
    if (left <= 0) break;
    const most = Math.min(Math.floor(window) - inFlight, Math.ceil(left / 2));
    if (most <= 0) continue;
    wants.push({ lane, most });
    left -= most;
  }
  return wants;
}
