import type { Clock, Timer } from './clock.ts';

/** A timer that is armed: a node of the heap, which knows where in it it stands, so that cancelling takes it out at once. */
class Pending implements Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
  readonly #heap: Heap;
  place = -1;

  constructor(heap: Heap, fn: () => void, due: { atMs: number; order: number }) {
    this.#heap = heap;
    this.fn = fn;
    this.atMs = due.atMs;
    this.order = due.order;
  }

  cancel(): void {
    this.#heap.remove(this);
  }

  before(other: Pending): boolean {
    return this.atMs < other.atMs || (this.atMs === other.atMs && this.order < other.order);
  }
}

/** A binary heap: the timer that falls due next on top. */
class Heap {
  readonly #nodes: Pending[] = [];

  get top(): Pending | undefined {
    return this.#nodes[0];
  }

  push(node: Pending): void {
    node.place = this.#nodes.length;
    this.#nodes.push(node);
    this.#up(node);
  }

  /** Takes a node out; harmless when it is out already. */
  remove(node: Pending): void {
    const { place } = node;
    if (place < 0) return;
    node.place = -1;
    const last = this.#nodes.pop() as Pending;
    if (last === node) return;
    this.#put(last, place);
    this.#up(last);
    this.#down(last);
  }

  /** Moves those above it down until it has its place. */
  #up(node: Pending): void {
    let { place } = node;
    while (place > 0) {
      const above = this.#nodes[(place - 1) >> 1] as Pending;
      if (!node.before(above)) break;
      const free = place;
      ({ place } = above);
      this.#put(above, free);
    }
    this.#put(node, place);
  }

  /** Moves those below it up until it has its place. */
  #down(node: Pending): void {
    let { place } = node;
    for (;;) {
      const left = this.#nodes[2 * place + 1];
      if (left === undefined) break;
      const right = this.#nodes[2 * place + 2];
      const below = right?.before(left) === true ? right : left;
      if (!below.before(node)) break;
      const free = place;
      ({ place } = below);
      this.#put(below, free);
    }
    this.#put(node, place);
  }

  #put(node: Pending, place: number): void {
    this.#nodes[place] = node;
    node.place = place;
  }
}

/** A clock that stands still until it is turned; timers fire in order of their time, then of their arming. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #pending = new Heap();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(ms: number, fn: () => void): Timer {
    const pending = new Pending(this.#pending, fn, { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++ });
    this.#pending.push(pending);
    return pending;
  }

  /**
   * Turns the clock forward by `ms`, firing what falls due. Between two timers the microtask queue and one
   * turn of the event loop run, so that promises which a timer settled have arrived before the next fires.
   */
  advance(ms: number): Promise<void> {
    return this.#turn(ms, turnOfTheLoop);
  }

  /**
   * As `advance`, many times faster, for what only promises connect: between two timers the microtask queue runs empty, but no
   * input or output is looked at.
   */
  replay(ms: number): Promise<void> {
    return this.#turn(ms, microtasks);
  }

  async #turn(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.#nowMs + ms;
    await settle();
    for (let due = this.#pending.top; due !== undefined && due.atMs <= until; due = this.#pending.top) {
      this.#pending.remove(due);
      this.#nowMs = due.atMs;
      due.fn();
      await settle();
    }
    this.#nowMs = until;
  }
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Node.js runs what nextTick was given when the microtask queue is empty, however long that takes. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
