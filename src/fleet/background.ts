import type { Clock, Timer } from '../lib/clock.ts';

export interface BackgroundDeps {
  readonly clock: Clock;
  /** Most that is under way at once. */
  readonly atOnce: number;
  /** Most that is begun in a minute. */
  readonly perMinute: number;
  /** Whether nobody is waiting for the machine: callers come first. */
  readonly quiet: () => boolean;
}

interface Task {
  /** Whether it is still wanted when its turn comes. */
  readonly wanted: () => boolean;
  readonly run: () => Promise<unknown>;
}

const LOOK_AGAIN_MS = 250;
const MINUTE_MS = 60_000;

/**
 * Work that nobody waits for: snapshots made before they are asked for. In the order it was given, few at once, few a minute, and
 * only while no caller's start is under way. A task that fails is dropped: whoever needs its snapshot makes it, and is told why it can't be made.
 */
export class Background {
  readonly #deps: BackgroundDeps;
  readonly #waiting = new Map<string, Task>();
  readonly #running = new Set<string>();
  /** When those of the last minute were begun. */
  #begun: number[] = [];
  #timer: Timer | null = null;

  constructor(deps: BackgroundDeps) {
    this.#deps = deps;
  }

  /** Adds a task unless one of that key waits or runs. */
  add(key: string, task: Task): void {
    if (this.#waiting.has(key) || this.#running.has(key)) return;
    this.#waiting.set(key, task);
    this.#pump();
  }

  close(): void {
    this.#waiting.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #pump(): void {
    const now = this.#deps.clock.monotonic();
    this.#begun = this.#begun.filter((at) => now - at < MINUTE_MS);
    for (const [key, task] of this.#waiting) {
      if (this.#running.size >= this.#deps.atOnce) return; // whichever ends goes on
      if (this.#begun.length >= this.#deps.perMinute) return this.#later(MINUTE_MS - (now - (this.#begun[0] as number)));
      if (!this.#deps.quiet()) return this.#later(LOOK_AGAIN_MS);
      this.#waiting.delete(key);
      if (task.wanted()) this.#run(key, task);
    }
  }

  #run(key: string, task: Task): void {
    this.#running.add(key);
    this.#begun.push(this.#deps.clock.monotonic());
    const ended = (): void => {
      this.#running.delete(key);
      this.#pump();
    };
    task.run().then(ended, ended);
  }

  #later(ms: number): void {
    this.#timer ??= this.#deps.clock.after(ms, () => {
      this.#timer = null;
      this.#pump();
    });
  }
}
