import { readFileSync } from 'node:fs';
import type { Clock, Timer } from '../../lib/clock.ts';
import { signal } from '../../supervisor/process-tree.ts';
import { family } from './process-figures.ts';

const LOOK_MS = 10;
/** Half a second: a function that goes on working after its answer is not to go on for long. */
const MOST_LOOKS = 50;

/** Stops a process and all it started, and lets them go on. */
export class Halt {
  readonly #pid: number;
  readonly #clock: Clock;
  readonly #linux: boolean;
  #stopped: number[] | null = null;
  #look: Timer | null = null;

  constructor(pid: number, options: { readonly clock: Clock; readonly linux: boolean }) {
    this.#pid = pid;
    this.#clock = options.clock;
    this.#linux = options.linux;
  }

  /** Stops it once it has come to rest, and at the latest in half a second: stopped while it gives memory back, it would keep it. */
  stop(): void {
    if (this.#stopped === null && this.#look === null) this.#stopAtRest(MOST_LOOKS);
  }

  /** It goes on, or is not stopped after all. */
  go(): void {
    this.forget();
    for (const pid of this.#stopped ?? []) signal(pid, 'SIGCONT');
    this.#stopped = null;
  }

  /** It ends: its number may soon be another's. */
  forget(): void {
    this.#look?.cancel();
    this.#look = null;
  }

  #stopAtRest(looks: number): void {
    this.#look = null;
    if (looks > 0 && this.#linux && runs(this.#pid)) {
      this.#look = this.#clock.after(LOOK_MS, () => this.#stopAtRest(looks - 1));
      return;
    }
    this.#stopped = this.#linux ? family(this.#pid) : [this.#pid];
    for (const pid of this.#stopped) signal(pid, 'SIGSTOP');
  }
}

/** Whether a process works, or would if it had a CPU. */
function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] === 'R';
  } catch {
    return false; // it has ended
  }
}
