import type { Clock } from './clock.ts';

interface Bucket {
  tokens: number;
  /** Monotonic: up to when it has been filled. */
  atMs: number;
}

/** With more buckets than these, those that are full again are forgotten. */
const SWEEP_AT = 1_000;
const SECOND_MS = 1_000;

/** Token buckets by key: each holds what may be had in one second, at least one token, and is filled at that rate. */
export class TokenBuckets {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();
  #sweepAt = SWEEP_AT;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a token of a key's bucket that is filled with `perSecond`; false: there is none. */
  take(key: string, perSecond: number): boolean {
    const now = this.#clock.monotonic();
    const most = Math.max(1, perSecond);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#sweepAt) this.#sweep(now);
      bucket = { tokens: most, atMs: now };
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(most, bucket.tokens + ((now - bucket.atMs) / SECOND_MS) * perSecond);
    bucket.atMs = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  /** A bucket that nobody took from for as long as filling it takes is as good as a new one; that is a second, unless its rate is below one. */
  #sweep(now: number): void {
    for (const [key, { atMs, tokens }] of this.#buckets) if (now - atMs >= SECOND_MS && tokens >= 1) this.#buckets.delete(key);
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#buckets.size);
  }
}
