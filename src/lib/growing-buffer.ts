/** Text appended as UTF-8 to one piece of memory that the garbage collector need not look through. */
export class GrowingBuffer {
  #buffer: Buffer;
  #length = 0;

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(bytes, MOST_BYTES_A_UNIT));
  }

  get length(): number {
    return this.#length;
  }

  /** Returns how many bytes were appended. */
  write(text: string): number {
    const most = text.length * MOST_BYTES_A_UNIT;
    if (this.#buffer.length - this.#length < most) this.#grow(this.#length + most);
    const bytes = this.#buffer.write(text, this.#length);
    this.#length += bytes;
    return bytes;
  }

  /** All that was appended: a view, good until more is. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Of UTF-8, for a unit of a JavaScript string. */
const MOST_BYTES_A_UNIT = 3;
