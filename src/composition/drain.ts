import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../observe/logger.ts';

/** Tells a part to begin nothing more; resolves when nothing of it runs. Called more than once. */
export type Stop = () => Promise<void>;

/** The way a server ends: at first nothing new is begun, and what runs is given time. */
export class Drain {
  readonly #clock: Clock;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #stops: Stop[] = [];
  #ended: Promise<void> | null = null;

  constructor({ clock, log }: { clock: Clock; log: Pick<Logger, 'warn'> }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** In the order of the calls, and before anything of one resolves, every part is told. */
  add(stop: Stop): void {
    this.#stops.push(stop);
  }

  /** Begins nothing more; resolves when nothing runs. Idempotent; never rejects. */
  begin(): Promise<void> {
    // Of one that can't be waited for the others are none the less.
    this.#ended ??= Promise.allSettled(this.#stops.map((stop) => stop())).then((ends) => {
      for (const end of ends)
        if (end.status === 'rejected') this.#log.warn({ err: end.reason as unknown }, 'what runs could not be waited for');
    });
    return this.#ended;
  }

  /** The same, for at most `ms`. Whether all that ran has ended. */
  async within(ms: number): Promise<boolean> {
    const ended = this.begin().then(() => true);
    if (ms === 0) return false;
    let cancel = (): void => {};
    const late = new Promise<false>((resolve) => {
      const timer = this.#clock.after(ms, () => resolve(false));
      cancel = () => timer.cancel();
    });
    return Promise.race([ended, late]).finally(cancel);
  }
}
