/** So many pieces are kept as they came: the usual answer has one. */
const MOST_VIEWS = 8;
/** Pieces from this size on are kept as they are, smaller ones are put together into blocks of as much. */
const BLOCK_BYTES = 16 * 1024;

/**
 * Bytes that came in pieces and are wanted whole. A piece is a view of what was read from a socket, and keeps all of that: of many small ones only the bytes
 * are kept, so that a process can't make the server hold more than a few times what it has sent.
 */
export class AnswerPieces {
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** What small pieces are put into; a view of what it has is the last of the pieces. */
  #block: Buffer | null = null;
  #used = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (piece.length >= BLOCK_BYTES || this.#pieces.length < MOST_VIEWS) {
      this.#block = null;
      this.#pieces.push(piece);
      return;
    }
    if (this.#block === null || this.#used + piece.length > BLOCK_BYTES) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#used = 0;
      this.#pieces.push(this.#block);
    }
    this.#used += piece.copy(this.#block, this.#used);
    this.#pieces[this.#pieces.length - 1] = this.#block.subarray(0, this.#used);
  }

  /** All of them in one; then there are none. */
  take(): Buffer {
    const [first] = this.#pieces;
    const whole = first !== undefined && this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    this.#block = null;
    return whole;
  }
}
