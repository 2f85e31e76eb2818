import type { IdleTimesDocument } from '../model/habit.ts';

const MINUTE_MS = 60_000;
/** At so many samples all counts are halved: what a function did last week counts less than what it does today. */
const HALVE_AT = 1_024;

/** What a policy may ask of a function's idle times. */
export interface IdleTimesView {
  /** Idle times counted, those beyond the range included. */
  readonly samples: number;
  /** How many were longer than the range. */
  readonly beyond: number;
  readonly rangeMs: number;
  /** Coefficient of variation of the counts: high when they are in few bins, low when they are everywhere. */
  readonly variation: number;
  /** The bin of the `share` quantile of those within the range: from when to when, milliseconds; null when there are none. */
  quantile(share: number): { readonly fromMs: number; readonly toMs: number } | null;
}

/** How long a function was idle between its invocations: a histogram of one-minute bins up to a range (Shahrad et al., ATC'20, 4.2). */
export class IdleTimes implements IdleTimesView {
  readonly #counts: Uint16Array;
  #within = 0;
  #beyond = 0;
  /** Sum of the squared counts. */
  #squares = 0;

  constructor(rangeMinutes: number, stored: IdleTimesDocument = { counts: [], beyond: 0 }) {
    this.#counts = new Uint16Array(rangeMinutes);
    for (const [bin, count] of stored.counts.entries()) {
      if (bin >= rangeMinutes) this.#beyond += count;
      else this.#counts[bin] = count;
    }
    this.#beyond += stored.beyond;
    this.#count();
  }

  get samples(): number {
    return this.#within + this.#beyond;
  }

  get beyond(): number {
    return this.#beyond;
  }

  get rangeMs(): number {
    return this.#counts.length * MINUTE_MS;
  }

  get variation(): number {
    if (this.#within === 0) return 0;
    return Math.sqrt(Math.max(0, (this.#counts.length * this.#squares) / this.#within ** 2 - 1));
  }

  add(idleMs: number): void {
    const bin = Math.floor(idleMs / MINUTE_MS);
    const count = this.#counts[bin];
    if (count === undefined) this.#beyond++;
    else {
      this.#counts[bin] = count + 1;
      this.#squares += 2 * count + 1;
      this.#within++;
    }
    if (this.samples >= HALVE_AT) this.#halve();
  }

  quantile(share: number): { fromMs: number; toMs: number } | null {
    if (this.#within === 0) return null;
    let left = Math.max(1, Math.ceil(share * this.#within));
    let bin = 0;
    for (; bin < this.#counts.length - 1; bin++) {
      left -= this.#counts[bin] as number;
      if (left <= 0) break;
    }
    return { fromMs: bin * MINUTE_MS, toMs: (bin + 1) * MINUTE_MS };
  }

  document(): IdleTimesDocument {
    const last = this.#counts.findLastIndex((count) => count > 0);
    return { counts: [...this.#counts.subarray(0, last + 1)], beyond: this.#beyond };
  }

  #halve(): void {
    for (let bin = 0; bin < this.#counts.length; bin++) this.#counts[bin] = (this.#counts[bin] as number) >> 1;
    this.#beyond >>= 1;
    this.#count();
  }

  #count(): void {
    this.#within = 0;
    this.#squares = 0;
    for (const count of this.#counts) {
      this.#within += count;
      this.#squares += count * count;
    }
  }
}
