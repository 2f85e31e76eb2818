import type { IncomingMessage } from 'node:http';
import type { AnswerSink } from '../../model/answer-sink.ts';

/** Whether a runtime says that the response it posts is to go on as it comes; null where it says what is no mode. */
export function isStreaming(req: IncomingMessage): boolean | null {
  const mode = req.headers['lambda-runtime-function-response-mode'] ?? '';
  return mode === '' ? false : mode === 'streaming' || null;
}

/** How a streamed response ended. `broken`: its connection closed before it was complete. */
export type StreamEnd = 'complete' | 'tooLarge' | 'broken';

/** Passes a response on, reading no faster than it is taken; what is too large is read no further. */
export async function passOn(req: IncomingMessage, sink: AnswerSink): Promise<StreamEnd> {
  sink.begin(req.headers['content-type'] ?? 'application/octet-stream');
  try {
    for await (const piece of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (sink.bytes + piece.length > sink.limitBytes) return 'tooLarge';
      await new Promise<void>((taken) => sink.write(piece, taken));
    }
    return req.complete ? 'complete' : 'broken';
  } catch {
    return 'broken';
  }
}
