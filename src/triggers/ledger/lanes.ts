import type { Claimed, Want } from './ledger.ts';
import { share, type Shares } from './policies/share.ts';
import { nextWindow } from './policies/window.ts';

interface Lane {
  inFlight: number;
  window: number;
  /** Whether its window was used up since it last got all there was. */
  pressed: boolean;
}

/** A lane that is new may run this many at once; more as they go well. */
const FIRST_WINDOW = 8;

/** Which lanes may have work and how much of each may run. Lanes that have nothing are forgotten. */
export class Lanes {
  readonly #most: (lane: string) => number;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that may have something due, in the order they are asked. */
  readonly #awake = new Set<string>();

  /** `most`: how many of a lane may run at once at most, as it is now. */
  constructor(most: (lane: string) => number) {
    this.#most = most;
  }

  /** Something of this lane may be due. */
  wake(lane: string): void {
    this.#awake.add(lane);
  }

  /**
   * What to claim for so many free places; with `patient`, not for lanes that are nearly full, and never for those in `full`. Those that claim count as empty
   * from now on, until `claimed` or `wake` says otherwise.
   */
  wants(free: number, { patient, full }: { readonly patient: boolean; readonly full: ReadonlySet<string> }): Shares {
    const asked = [...this.#awake].filter((name) => !full.has(name));
    const observed = asked.map((name) => {
      const { inFlight, window } = this.#lanes.get(name) ?? { inFlight: 0, window: FIRST_WINDOW };
      return { lane: name, inFlight, window: Math.min(window, Math.max(1, this.#most(name))) };
    });
    const shares = share(observed, free, patient);
    for (const { lane } of shares.wants) this.#awake.delete(lane);
    return shares;
  }

  /** What came of a claim: who got all it wanted may have more, and comes last. Of one that was `cut` short, all may. */
  claimed(wants: readonly Want[], claims: readonly Claimed[], cut: boolean): void {
    const got = new Map<string, number>();
    for (const { lane } of claims) got.set(lane, (got.get(lane) ?? 0) + 1);
    for (const { lane: name, most } of wants) {
      if (cut || got.get(name) === most) {
        this.#awake.add(name);
        continue;
      }
      const lane = this.#lanes.get(name);
      if (lane !== undefined) lane.pressed = false;
    }
  }

  began(name: string): void {
    const lane = this.#lanes.get(name) ?? { inFlight: 0, window: FIRST_WINDOW, pressed: false };
    lane.inFlight++;
    if (lane.inFlight >= Math.floor(lane.window)) lane.pressed = true;
    this.#lanes.set(name, lane);
  }

  ended(name: string, throttled: boolean): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return;
    lane.window = nextWindow({ window: lane.window, most: this.#most(name), throttled, full: lane.pressed });
    lane.inFlight--;
    if (lane.inFlight === 0 && !this.#awake.has(name)) this.#lanes.delete(name);
  }
}
