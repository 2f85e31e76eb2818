import type { Clock } from './clock.ts';

export interface ClosingOptions {
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
  /** How long one release may take, milliseconds: what hangs then is given up, and the others are released. */
  readonly patienceMs: number;
  /** Whoever asked for it all wants it no longer. */
  readonly signal?: AbortSignal | undefined;
}

interface Acquired {
  readonly what: string;
  readonly release: () => unknown;
}

/** What was acquired in order and is released in the opposite order, once, whatever fails on the way or never ends. */
export class Closing {
  readonly #releases: Acquired[] = [];
  readonly #options: ClosingOptions;
  #closed: Promise<boolean> | null = null;

  constructor(options: ClosingOptions) {
    this.#options = options;
  }

  /**
   * `what` names it where it is given up. Throws the signal's reason once that has aborted, so that nothing more is acquired; what is added is
   * released with the rest.
   */
  add(what: string, release: () => unknown): void {
    this.#releases.push({ what, release });
    this.#options.signal?.throwIfAborted();
  }

  /**
   * Releases everything; whether all has ended. False where something was given up, which the log names: it may hold the process open. Rejects with the
   * first failure after all were tried.
   */
  close(): Promise<boolean> {
    this.#closed ??= this.#release();
    return this.#closed;
  }

  async #release(): Promise<boolean> {
    const failures: unknown[] = [];
    let all = true;
    for (const acquired of this.#releases.toReversed()) {
      try {
        if (!(await this.#inTime(acquired))) all = false;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return all;
  }

  /** Whether it ended before patience did. */
  async #inTime({ what, release }: Acquired): Promise<boolean> {
    const { clock, log, patienceMs } = this.#options;
    const released = Promise.resolve(release()).then(() => true);
    let cancel = (): void => {};
    const late = new Promise<false>((resolve) => {
      const timer = clock.after(patienceMs, () => resolve(false));
      cancel = () => timer.cancel();
    });
    const ended = await Promise.race([released, late]).finally(cancel);
    if (ended) return true;
    log.error({ what, afterMs: patienceMs }, 'given up: it does not end, and the server ends without it');
    released.catch((err: unknown) => log.error({ err, what }, 'what was given up has failed'));
    return false;
  }
}
