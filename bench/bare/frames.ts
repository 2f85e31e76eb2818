/** Length-prefixed frames: four bytes of length, then as many of content. The least that could connect two processes. */
export function frame(content: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(4 + content.length);
  bytes.writeUInt32BE(content.length);
  content.copy(bytes, 4);
  return bytes;
}

/** Cuts a stream into frames' contents. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** The frames that `chunk` completes. */
  take(chunk: Buffer): Buffer[] {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const contents: Buffer[] = [];
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
      const end = 4 + bytes.readUInt32BE();
      contents.push(bytes.subarray(4, end));
      bytes = bytes.subarray(end);
    }
    this.#pending = bytes;
    return contents;
  }
}
