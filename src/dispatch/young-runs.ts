/** Tenths of a second: longer than the server itself ever stalls, so that a stall makes nobody old. */
const SPAN_MS = 100;

/** How many of the invocations in flight were begun of late: in this span of time or the one before it. */
export class YoungRuns {
  #span = 0;
  #thisOne = 0;
  #before = 0;

  begun(nowMs: number): void {
    this.#turn(nowMs);
    this.#thisOne++;
  }

  /** One has ended that ran for `ranMs`. */
  ended(nowMs: number, ranMs: number): void {
    this.#turn(nowMs);
    const ago = this.#span - Math.floor((nowMs - ranMs) / SPAN_MS);
    if (ago <= 0 && this.#thisOne > 0) this.#thisOne--;
    else if (ago <= 1 && this.#before > 0) this.#before--;
  }

  count(nowMs: number): number {
    this.#turn(nowMs);
    return this.#thisOne + this.#before;
  }

  #turn(nowMs: number): void {
    const span = Math.floor(nowMs / SPAN_MS);
    if (span === this.#span) return;
    this.#before = span === this.#span + 1 ? this.#thisOne : 0;
    this.#thisOne = 0;
    this.#span = span;
  }
}
