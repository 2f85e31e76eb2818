import type { Clock } from '../../lib/clock.ts';
import type { AnswerSink } from '../../model/answer-sink.ts';

/** An answer that a simulated handler streams: each piece so many milliseconds after the one before was taken. */
export interface Pieces {
  readonly contentType: string;
  readonly pieces: readonly { readonly ms: number; readonly body: Buffer }[];
}

/** Writes them as long as the invocation is `open`, and tells how that ended. */
export function writePieces(
  clock: Clock,
  { contentType, pieces }: Pieces,
  to: { readonly sink: AnswerSink; readonly open: () => boolean; readonly end: (over: 'streamed' | 'tooLarge') => void },
): void {
  const { sink, open, end } = to;
  const next = (at: number): void => {
    const piece = pieces[at];
    if (piece === undefined) return end('streamed');
    clock.after(piece.ms, () => {
      if (!open()) return;
      if (at === 0) sink.begin(contentType);
      if (sink.bytes + piece.body.length > sink.limitBytes) end('tooLarge');
      else sink.write(piece.body, () => open() && next(at + 1));
    });
  };
  next(0);
}

/** What a handler answers: bytes or an error document, or what it streams. */
interface Act {
  readonly body?: Buffer;
  readonly errorType?: string;
  readonly stream?: Pieces;
}

/** How an invocation ends: whole, for whom wants it so; streamed, when all of it has been told; or with too much of it. */
export function endOf(act: Act, over: 'whole' | 'streamed' | 'tooLarge'): { readonly errorType: string | null; readonly body: Buffer } {
  if (over === 'tooLarge') {
    const errorType = 'Function.ResponseSizeTooLarge';
    return { errorType, body: Buffer.from(JSON.stringify({ errorType })) };
  }
  const { body = Buffer.from('null'), errorType = null, stream } = act;
  if (errorType !== null || stream === undefined) return { errorType, body };
  return { errorType, body: over === 'streamed' ? Buffer.alloc(0) : Buffer.concat(stream.pieces.map((piece) => piece.body)) };
}
