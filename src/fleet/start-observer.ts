import type { Clock } from '../lib/clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { StartReason } from '../model/waterfall.ts';
import { startReason, type StartObservation } from './policies/start-reason.ts';

/** Makes the reason of a start out of what it found; the words only when somebody asks for them. */
export type Explain = (began: Pick<StartObservation, 'found' | 'making'>) => () => StartReason;

/** Remembers what explains a start: when the server started, and when a version's last instance ended. */
export class StartObserver {
  readonly #clock: Clock;
  readonly #serverStartedAtMs: number;
  /** By revision. */
  readonly #lastEnded = new Map<string, NonNullable<StartObservation['lastEnded']>>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#serverStartedAtMs = clock.now();
  }

  /** A start is ordered while so many instances of the version are alive. */
  ordered(version: FunctionVersion, instances: number, keptReady: boolean): Explain {
    const observed = {
      version,
      keptReady,
      instances,
      lastEnded: this.#lastEnded.get(version.revisionId) ?? null,
      serverStartedAtMs: this.#serverStartedAtMs,
      nowMs: this.#clock.now(),
    };
    return ({ found, making = false }) =>
      () =>
        startReason({ ...observed, found, making });
  }

  ended(revisionId: string, atWork: boolean): void {
    this.#lastEnded.set(revisionId, { atMs: this.#clock.now(), atWork });
  }

  forget(revisionId: string): void {
    this.#lastEnded.delete(revisionId);
  }
}
