import type { Want } from '../ledger.ts';

/** One lane as the sharing sees it. */
export interface LaneObservation {
  readonly lane: string;
  readonly inFlight: number;
  readonly window: number;
}

/** What is to be claimed now, and whether a lane waits for more of its places to free. */
export interface Shares {
  readonly wants: readonly Want[];
  readonly waiting: boolean;
}

/** A lane of which something runs asks for places once this part of its window is free, so that a claim is worth its statement. */
const WORTHWHILE = 1 / 2;

/**
 * Who gets how many of the places that are free, asked in turn. A lane gets at most half of what is left, so that one that comes later finds a place
 * even while the others have long runs. With `patient`, lanes that are nearly full wait.
 */
export function share(lanes: readonly LaneObservation[], free: number, patient = false): Shares {
  const wants: Want[] = [];
  let left = free;
  let waiting = false;
  for (const { lane, inFlight, window } of lanes) {
    if (left <= 0) break;
    const places = Math.floor(window) - inFlight;
    if (places <= 0) continue;
    if (patient && inFlight > 0 && places < Math.floor(window) * WORTHWHILE) {
      waiting = true;
      continue;
    }
    const most = Math.min(places, Math.ceil(left / 2));
    wants.push({ lane, most });
    left -= most;
  }
  return { wants, waiting };
}
