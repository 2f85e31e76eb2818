import type { Clock, Timer } from '../../lib/clock.ts';
import { alive, lookUp, signal, UNKNOWN_START } from '../../supervisor/process-tree.ts';
import type { ProcessIdentity } from '../../supervisor/process-tree.ts';
import { family } from './process-figures.ts';

/** How long a stopped instance keeps what its calls needed: one that comes within that finds it as it was, and does not pay for it again. */
const KEEPS_MS = 1_000;
/** For giving it back: some milliseconds of work. Not for longer: timers of the function's that came due run meanwhile. */
const PATIENCE_MS = 500;
/** One that had no turn in that time goes on later. */
const MOST_ATTEMPTS = 4;

/** Stops a process and all it started, and lets them go on; never one that has its pid after it: its parent, which may have reaped it, has run user code. */
export class Halt {
  readonly #process: ProcessIdentity;
  readonly #clock: Clock;
  readonly #linux: boolean;
  readonly #askRest: () => void;
  #stopped: ProcessIdentity[] | null = null;
  #timer: Timer | null = null;
  #resting = false;

  /** `askRest` asks it to give back what it no longer needs. */
  constructor(process: ProcessIdentity, options: { readonly clock: Clock; readonly linux: boolean; readonly askRest: () => void }) {
    this.#process = process;
    this.#clock = options.clock;
    this.#linux = options.linux;
    this.#askRest = options.askRest;
  }

  /** Stops it. One that is `heavy` goes on once more a second later, for as long as it takes to give back what its calls needed. */
  stop(heavy: boolean): void {
    if (this.#stopped !== null || this.#resting) return;
    this.#stop();
    if (heavy) this.#restLater(1);
  }

  /** It goes on. */
  go(): void {
    this.forget();
    this.#continue();
  }

  /** It has given back what it could. */
  rested(): void {
    if (!this.#resting && this.#stopped === null) return; // there was something to do meanwhile
    this.forget();
    if (this.#stopped === null) this.#stop(); // else it said so as its patience ended
  }

  /** It ends: its number may soon be another's. */
  forget(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#resting = false;
  }

  #restLater(attempt: number): void {
    this.#timer = this.#clock.after(KEEPS_MS, () => this.#rest(attempt));
  }

  #rest(attempt: number): void {
    this.#continue();
    this.#resting = true;
    this.#timer = this.#clock.after(PATIENCE_MS, () => {
      this.rested();
      if (attempt < MOST_ATTEMPTS) this.#restLater(attempt + 1);
    });
    if (attempt === 1) this.#askRest(); // later it goes on with what it was asked
  }

  /** Its children after it, until there is none that it has started meanwhile. */
  #stop(): void {
    const stopped = new Map<number, ProcessIdentity>();
    const { pid: root } = this.#process;
    if (!this.#linux || alive(this.#process)) {
      signal(root, 'SIGSTOP');
      stopped.set(root, this.#process);
    }
    for (let found = this.#linux && stopped.size > 0; found;) {
      const more = family(root).filter((pid) => !stopped.has(pid));
      for (const pid of more) {
        stopped.set(pid, lookUp(pid)?.identity ?? { pid, startTime: UNKNOWN_START });
        signal(pid, 'SIGSTOP');
      }
      found = more.length > 0;
    }
    this.#stopped = [...stopped.values()];
  }

  #continue(): void {
    for (const one of this.#stopped ?? []) if (!this.#linux || !isOver(one)) signal(one.pid, 'SIGCONT');
    this.#stopped = null;
  }
}

/** Whether another process has its pid by now. Not where that can't be told: what was stopped and is there has to go on. */
function isOver({ pid, startTime }: ProcessIdentity): boolean {
  const found = lookUp(pid);
  return found !== null && startTime !== UNKNOWN_START && found.identity.startTime !== startTime;
}
