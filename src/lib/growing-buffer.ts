/** Bytes appended to one piece of memory that the garbage collector need not look through. */
export class GrowingBuffer {
  protected buffer: Buffer;
  protected at = 0;

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(Math.max(bytes, MOST_BYTES_A_UNIT));
  }

  get length(): number {
    return this.at;
  }

  /** What it holds without growing. */
  get capacity(): number {
    return this.buffer.length;
  }

  /** Appends text as UTF-8; returns how many bytes. */
  write(text: string): number {
    this.room(text.length * MOST_BYTES_A_UNIT);
    const bytes = this.buffer.write(text, this.at);
    this.at += bytes;
    return bytes;
  }

  append(piece: Buffer): void {
    this.room(piece.length);
    this.at += piece.copy(this.buffer, this.at);
  }

  /** All that was appended: a view, good until more is, or it is cleared. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  /** Empty again, in the same memory. */
  clear(): void {
    this.at = 0;
  }

  /** Makes room for as many bytes more. */
  protected room(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}

/** Of UTF-8, for a unit of a JavaScript string. */
export const MOST_BYTES_A_UNIT = 3;
