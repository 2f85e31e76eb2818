/**
 * Where an answer goes piece by piece while its handler still runs. An invocation that has none is answered whole. Whoever runs the handler calls
 * `begin` once, then `write` any number of times, then perhaps `finish`, all before the invocation's end is told; a handler that does not stream
 * calls none of them, and its whole answer comes with the end. Nothing here throws. A sink whose reader has left goes on taking: as on Lambda, the
 * handler runs to its end all the same.
 */
export interface AnswerSink {
  /** Most bytes that may be streamed; beyond them the invocation ends with `Function.ResponseSizeTooLarge`. */
  readonly limitBytes: number;
  /** Whether the answer streams. */
  readonly begun: boolean;
  /** Bytes of the handler's that were taken so far. */
  readonly bytes: number;
  /** The answer streams, as a media type that the handler named. */
  begin(contentType: string): void;
  /** Takes a piece, which is the sink's from now on. `taken` is called once when there is room for as many bytes again, at once or later. */
  write(piece: Buffer, taken: () => void): void;
  /** The answer is complete, although the handler goes on. */
  finish(): void;
}
