import type { WorkerInstance } from './worker.ts';

/** An instance and the places on it that are taken. */
export interface Slot {
  readonly instance: WorkerInstance;
  inFlight: number;
  /** No invocation has been on it yet. */
  fresh: boolean;
}

/** The instances of a version, and which of them have a free place. */
export class Slots {
  readonly #concurrency: () => number;
  readonly #slots = new Map<WorkerInstance, Slot>();
  /** Those with a free place; the last used on top, so that the others fall idle and go. */
  readonly #free: Slot[] = [];
  #inFlight = 0;

  /** `concurrency`: places on each instance. */
  constructor(concurrency: () => number) {
    this.#concurrency = concurrency;
  }

  /** How many instances there are. */
  get size(): number {
    return this.#slots.size;
  }

  /** Places taken, also on instances that have ended and whose invocations have not been told yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The one to use next. */
  get top(): Slot | undefined {
    return this.#free.at(-1);
  }

  /** A new instance, none of its places free yet. */
  add(instance: WorkerInstance): Slot {
    const slot: Slot = { instance, inFlight: 0, fresh: true };
    this.#slots.set(instance, slot);
    return slot;
  }

  delete(slot: Slot): void {
    this.#slots.delete(slot.instance);
    this.#unfree(slot);
  }

  /** It has a free place. */
  free(slot: Slot): void {
    this.#free.push(slot);
  }

  /** Takes a place. Whether it is the instance's first. */
  take(slot: Slot): boolean {
    const first = slot.fresh;
    slot.fresh = false;
    slot.inFlight++;
    this.#inFlight++;
    if (slot.inFlight === this.#concurrency()) this.#unfree(slot);
    return first;
  }

  /** Gives a place back; null where the instance is gone. Nobody was told that it is free. */
  giveBack(instance: WorkerInstance): Slot | null {
    this.#inFlight--;
    const slot = this.#slots.get(instance);
    if (slot === undefined) return null;
    slot.inFlight--;
    return slot;
  }

  #unfree(slot: Slot): void {
    if (this.#free.at(-1) === slot) this.#free.pop();
    else {
      const at = this.#free.indexOf(slot);
      if (at >= 0) this.#free.splice(at, 1);
    }
  }
}
