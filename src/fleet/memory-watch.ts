import { closeSync, openSync, readSync } from 'node:fs';
import type { Clock, Timer } from '../lib/clock.ts';

/** One instance that is watched. */
export interface Watched {
  readonly pid: number;
  readonly limitBytes: number;
  /** Called once, when it holds more than its limit. */
  readonly exceeded: () => void;
}

const EVERY_MS = 50;
/** Reading one process takes about 15 µs; this keeps the watch under 2 % of a core. */
const READS_PER_TURN = 60;
const PAGE_BYTES = 4096;

/**
 * Ends busy instances that hold more memory than their function was given, where no cgroup does it. Looks at resident
 * pages, private and shared, as Max Memory Used does. What is allocated and freed between two looks goes unseen.
 */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  /** Came since the last look: what is done by the next one is never looked at. */
  #newcomers = new Set<Watched>();
  #turn: Iterator<Watched> | null = null;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches until the returned function is called. */
  add(watched: Watched): () => void {
    this.#newcomers.add(watched);
    this.#timer ??= this.#clock.after(EVERY_MS, () => this.#look());
    return () => {
      if (!this.#newcomers.delete(watched)) this.#watched.delete(watched);
    };
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#watched.clear();
    this.#newcomers.clear();
  }

  #look(): void {
    this.#timer = null;
    this.#turn ??= this.#watched.values();
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      const next = this.#turn.next();
      if (next.done === true) {
        this.#turn = null;
        break;
      }
      const bytes = residentBytes(next.value.pid);
      if (bytes !== null && bytes > next.value.limitBytes) {
        this.#watched.delete(next.value);
        next.value.exceeded();
      }
    }
    for (const newcomer of this.#newcomers) this.#watched.add(newcomer);
    this.#newcomers.clear();
    if (this.#watched.size > 0) this.#timer = this.#clock.after(EVERY_MS, () => this.#look());
  }
}

/** Resident pages of a process in bytes, or null when it is gone or there is no /proc. */
function residentBytes(pid: number): number | null {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/statm`, 'r');
  } catch {
    return null;
  }
  try {
    // Three system calls: readFileSync makes five, and there are up to 1,200 of these a second.
    const pages = figures.toString('latin1', 0, readSync(fd, figures, 0, figures.length, null)).split(' ')[1];
    return pages === undefined ? null : Number(pages) * PAGE_BYTES;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

const figures = Buffer.alloc(256);
