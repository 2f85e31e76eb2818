import type { GrowingBuffer } from './growing-buffer.ts';

/** Kept at most, and what each may have grown to, bytes. */
const MOST = { buffers: 8, bytes: 2 << 20 };

/**
 * Buffers that have served, for those to come. One that lives for a quarter of a second has grown old for V8: its memory comes back with the next collection
 * of the old generation only, and 64 MB of such memory make V8 begin one, whatever heap there is.
 */
export class SpareBuffers<B extends GrowingBuffer> {
  readonly #make: () => B;
  readonly #spare: B[] = [];

  constructor(make: () => B) {
    this.#make = make;
  }

  /** An empty buffer. */
  take(): B {
    return this.#spare.pop() ?? this.#make();
  }

  /** Gives back what nobody reads any more. */
  give(buffer: B): void {
    if (this.#spare.length === MOST.buffers || buffer.capacity > MOST.bytes) return;
    buffer.clear();
    this.#spare.push(buffer);
  }
}
