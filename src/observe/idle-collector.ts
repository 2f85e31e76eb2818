import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock, Timer } from '../lib/clock.ts';

/** Nothing was called for at least so long, and at most twice. */
const LOOK_MS = 2_000;
/** What the heap has to hold more for a collection to be worth its while: it marks what is alive, a few hundredths of a second. */
const WORTHWHILE_BYTES = 16 * 1024 * 1024;
/** The first finds how little of each page is alive; the second moves that together, and gives the pages back. */
const COLLECTIONS = 2;

export interface IdleCollectorDeps {
  readonly clock: Clock;
  /** Calls that run. */
  readonly running: () => number;
  /** Calls that were ever begun. */
  readonly begun: () => number;
  readonly heap?: Heap;
}

/** The heap of this process. */
export interface Heap {
  /** Memory it holds, with what is free in it. */
  bytes(): number;
  /** Collects all garbage. */
  collect(): void;
}

/**
 * Collects a server's garbage when nobody is served. V8 lets it grow to some 256 MB before it looks (docs/decisions/0008), which is what a server under load needs; one that
 * is idle would keep it for ever.
 */
export class IdleCollector {
  readonly #deps: IdleCollectorDeps;
  readonly #heap: Heap;
  #begunBefore = 0;
  #bytesAfter = 0;
  #collectionsLeft = 0;
  #timer: Timer | null = null;

  constructor(deps: IdleCollectorDeps) {
    this.#deps = deps;
    this.#heap = deps.heap ?? ownHeap();
    this.#bytesAfter = this.#heap.bytes();
    this.#lookLater();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #lookLater(): void {
    this.#timer = this.#deps.clock.after(LOOK_MS, () => {
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    const begun = this.#deps.begun();
    const idle = begun === this.#begunBefore && this.#deps.running() === 0;
    this.#begunBefore = begun;
    if (!idle) return;
    // V8's own collections make it smaller, too.
    this.#bytesAfter = Math.min(this.#bytesAfter, this.#heap.bytes());
    if (this.#collectionsLeft === 0 && this.#heap.bytes() - this.#bytesAfter >= WORTHWHILE_BYTES) this.#collectionsLeft = COLLECTIONS;
    if (this.#collectionsLeft === 0) return;
    this.#heap.collect();
    this.#collectionsLeft--;
    this.#bytesAfter = this.#heap.bytes();
  }
}

function ownHeap(): Heap {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return {
    bytes() {
      const { total_physical_size: physical, external_memory: external } = getHeapStatistics();
      return physical + external;
    },
    collect,
  };
}
