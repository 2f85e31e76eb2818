import type { Clock, Timer } from '../../lib/clock.ts';

/** How long an event may wait for more changes. */
export class Window {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onPass: () => void;
  #timer: Timer | null = null;
  #passed = false;

  constructor(clock: Clock, ms: number, onPass: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onPass = onPass;
  }

  /** Always, when there is none. */
  get passed(): boolean {
    return this.#ms === 0 || this.#passed;
  }

  open(): void {
    this.#timer ??= this.#clock.after(this.#ms, () => {
      this.#passed = true;
      this.#onPass();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#passed = false;
  }
}
