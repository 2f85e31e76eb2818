import type { Clock } from '../lib/clock.ts';

/** While something is away every request fails for it, and every attempt to come back: said once in so long, each by its words. */
const AGAIN_MS = 10_000;
/** Texts that are remembered. */
const MOST = 100;

/**
 * Lets through what is logged of something that is away (ServiceUnavailable), and what the database says itself of each that it turns away (`postgres`),
 * now and then, with how often it was not said meanwhile.
 */
export class Away {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #said = new Map<string, { atMs: number; held: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** What is to be logged with a line; null: nothing is. */
  pass(fields: unknown, message: unknown): { readonly unsaid?: number } | null {
    const text = heldBy(fields, message);
    if (text === null) return {};
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

/** The words by which a line is held; null: it is said each time. */
function heldBy(fields: unknown, message: unknown): string | null {
  const { err, postgres } = (fields ?? {}) as { readonly err?: { readonly code?: unknown }; readonly postgres?: unknown };
  if (err?.code === 'ServiceUnavailable') return String(message);
  return typeof postgres === 'string' ? `${String(message)} ${postgres}` : null;
}
