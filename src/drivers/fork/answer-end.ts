import { readReturned } from '../../runtimes/call-frames.ts';
import { FrameError, decodeJson } from '../../runtimes/frames.ts';
import type { AnswerEnd } from '../../runtimes/protocol.ts';
import { figureIn, MACHINE_BYTES } from './figure.ts';

/** How an invocation ended, as its shim says; every member is there. */
export type Ended = Required<AnswerEnd>;

/**
 * Reads a shim's `answerEnd`. Throws FrameError where its figures are missing; those that can't be are made the nearest that can, for they are metered, and
 * whatever else is not as it should be counts as absent.
 */
export function readAnswerEnd(payload: Buffer): Ended {
  const { errorType, errorDocument, handlerMs, peakMemoryBytes, marked, heavy, last } = decodeJson(payload);
  if (typeof handlerMs !== 'number' || typeof peakMemoryBytes !== 'number') throw new FrameError('answer ends without its figures');
  return {
    errorType: typeof errorType === 'string' ? errorType : null,
    errorDocument: typeof errorDocument === 'string' ? errorDocument : '',
    handlerMs: figureIn(handlerMs, Number.MAX_SAFE_INTEGER),
    peakMemoryBytes: figureIn(peakMemoryBytes, MACHINE_BYTES),
    marked: marked !== false,
    heavy: heavy === true,
    last: last === true,
  };
}

/** Reads a shim's `returned` in the same way: how it ended, and the answer, a view of the payload. Throws FrameError where that is too short. */
export function readReturnedEnd(payload: Buffer): { end: Ended; answer: Buffer } {
  const { marked, heavy, last, handlerMs, peakMemoryBytes, answer } = readReturned(payload);
  const end = {
    errorType: null,
    errorDocument: '',
    handlerMs: figureIn(handlerMs, Number.MAX_SAFE_INTEGER),
    peakMemoryBytes: figureIn(peakMemoryBytes, MACHINE_BYTES),
    marked,
    heavy,
    last,
  };
  return { end, answer };
}
