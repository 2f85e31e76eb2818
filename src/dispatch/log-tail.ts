/** The last bytes of an invocation's log, as `X-Amz-Log-Type: Tail` returns them: 4 kB, whole lines being a courtesy Lambda doesn't extend. */
const TAIL_BYTES = 4096;

export class LogTail {
  #lines: string[] = [];
  #bytes = 0;

  add(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    this.#lines.push(line);
    this.#bytes += bytes;
    while (this.#lines.length > 1 && this.#bytes - Buffer.byteLength(this.#lines[0] ?? '') - 1 >= TAIL_BYTES) {
      this.#bytes -= Buffer.byteLength(this.#lines.shift() ?? '') + 1;
    }
  }

  bytes(): Buffer {
    const all = Buffer.from(this.#lines.map((l) => `${l}\n`).join(''));
    return all.subarray(Math.max(0, all.length - TAIL_BYTES));
  }
}
