import type { Clock, Timer } from '../../lib/clock.ts';
import { signal } from '../../supervisor/process-tree.ts';
import { family } from './process-figures.ts';

/** How long a stopped instance keeps what its calls needed: one that comes within that finds it as it was, and does not pay for it again. */
const KEEPS_MS = 1_000;
/** For giving it back: some milliseconds of work, with many at once on a busy machine. */
const PATIENCE_MS = 2_000;

/** Stops a process and all it started, and lets them go on. */
export class Halt {
  readonly #pid: number;
  readonly #clock: Clock;
  readonly #linux: boolean;
  readonly #askRest: () => void;
  #stopped: number[] | null = null;
  #timer: Timer | null = null;
  #resting = false;

  /** `askRest` asks it to give back what it no longer needs. */
  constructor(pid: number, options: { readonly clock: Clock; readonly linux: boolean; readonly askRest: () => void }) {
    this.#pid = pid;
    this.#clock = options.clock;
    this.#linux = options.linux;
    this.#askRest = options.askRest;
  }

  /** Stops it. One that is `heavy` goes on once more a second later, for as long as it takes to give back what its calls needed. */
  stop(heavy: boolean): void {
    if (this.#stopped !== null || this.#resting) return;
    this.#stop();
    if (heavy) this.#timer = this.#clock.after(KEEPS_MS, () => this.#rest());
  }

  /** It goes on. */
  go(): void {
    this.forget();
    this.#continue();
  }

  /** It has given back what it could. */
  rested(): void {
    if (!this.#resting) return; // there was something to do meanwhile
    this.forget();
    this.#stop();
  }

  /** It ends: its number may soon be another's. */
  forget(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#resting = false;
  }

  #rest(): void {
    this.#continue();
    this.#resting = true;
    this.#timer = this.#clock.after(PATIENCE_MS, () => this.rested());
    this.#askRest();
  }

  #stop(): void {
    this.#stopped = this.#linux ? family(this.#pid) : [this.#pid];
    for (const pid of this.#stopped) signal(pid, 'SIGSTOP');
  }

  #continue(): void {
    for (const pid of this.#stopped ?? []) signal(pid, 'SIGCONT');
    this.#stopped = null;
  }
}
