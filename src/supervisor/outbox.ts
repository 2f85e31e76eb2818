import type { Clock, Timer } from '../lib/clock.ts';
import type { Request } from './messages.ts';

/** What can wait: well below the time that the supervisor gives a process nobody told it of. */
const LATER_MS = 10;

/**
 * Requests to the supervisor, in order. That a process was forked or reaped is no hurry, and comes a hundred times a second in a storm of
 * starts: such words are collected, so that neither side wakes up for each. All others go at once, with what waits before them.
 */
export class Outbox {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  #waiting = '';
  #timer: Timer | null = null;

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  send(request: Request): void {
    this.#waiting += `${JSON.stringify(request)}\n`;
    if (request.op === 'adopt' || request.op === 'forget') this.#timer ??= this.#clock.after(LATER_MS, () => this.#flush());
    else this.#flush();
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const text = this.#waiting;
    this.#waiting = '';
    this.#write(text);
  }
}
