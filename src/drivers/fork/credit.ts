import { encodeFrame } from '../../runtimes/frames.ts';
import { ANSWER_WINDOW_BYTES, Frame } from '../../runtimes/protocol.ts';

/** Answer bytes are granted again in steps: most answers need no credit at all. */
export const CREDIT_STEP_BYTES = ANSWER_WINDOW_BYTES / 4;

/** Grants so many more answer bytes. */
export function creditFrame(request: number, bytes: number): Buffer {
  const credit = Buffer.allocUnsafe(4);
  credit.writeUInt32BE(bytes);
  return encodeFrame(Frame.credit, request, credit);
}
