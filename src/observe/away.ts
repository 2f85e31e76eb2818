import type { Clock } from '../lib/clock.ts';

/** While something is away every request fails for it: said once in so long, each by its words. */
const AGAIN_MS = 10_000;
/** Texts that are remembered. */
const MOST = 100;

/** Lets through what is logged of something that is away (ServiceUnavailable) now and then, with how often it was not said meanwhile. */
export class Away {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #said = new Map<string, { atMs: number; held: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** What is to be logged with a line; null: nothing is. */
  pass(fields: unknown, message: unknown): { readonly unsaid?: number } | null {
    const { err } = (fields ?? {}) as { readonly err?: { readonly code?: unknown } };
    if (err?.code !== 'ServiceUnavailable') return {};
    const text = String(message);
    const said = this.#said.get(text);
    const nowMs = this.#clock.monotonic();
    if (said !== undefined && nowMs - said.atMs < AGAIN_MS) {
      said.held++;
      return null;
    }
    if (said === undefined && this.#said.size >= MOST) this.#said.clear();
    this.#said.set(text, { atMs: nowMs, held: 0 });
    return said === undefined || said.held === 0 ? {} : { unsaid: said.held };
  }
}
