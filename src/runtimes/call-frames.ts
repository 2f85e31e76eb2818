import { FRAME_HEADER_BYTES, FrameError, writeFrameHeader } from './frames.ts';
import { Frame } from './protocol.ts';

/**
 * The two frames that nearly every invocation consists of. As JSON, in frames of their own, what stands in them cost both sides more than all else that they do
 * with an event and its answer.
 *
 *     call:     deadline f64 BE, ms since the epoch | bytes of the request id u8 | bytes of the ARN u16 BE | request id | ARN | event
 *     returned: flags u8 | handler f64 BE, ms | peak resident set f64 BE, bytes | answer
 *
 * Request id and ARN are ASCII. The flags are those of an AnswerEnd: 1 marked, 2 heavy, 4 last.
 */
export interface UsualCall {
  readonly requestId: string;
  readonly invokedArn: string;
  readonly body: Buffer;
}

/** Longest event that travels with its call: a longer one is handed to the shim in the pieces in which it comes. */
const MOST_EVENT_BYTES = 16 * 1024;
const MOST_ID_BYTES = 0xff;
const MOST_ARN_BYTES = 0xffff;
const CALL_FIXED_BYTES = 8 + 1 + 2;

/** Whether all of an invocation, if nothing about it is unusual, fits into a `call`. */
export function fitsCall({ requestId, invokedArn, body }: UsualCall): boolean {
  return body.length <= MOST_EVENT_BYTES && requestId.length <= MOST_ID_BYTES && invokedArn.length <= MOST_ARN_BYTES;
}

/** A `call` in a buffer of its own, behind `preface`. */
export function encodeCall(request: number, call: UsualCall, options: { deadlineMs: number; preface: Buffer | null }): Buffer {
  const { requestId, invokedArn, body } = call;
  const before = options.preface?.length ?? 0;
  const bytes = CALL_FIXED_BYTES + requestId.length + invokedArn.length + body.length;
  const whole = Buffer.allocUnsafe(before + FRAME_HEADER_BYTES + bytes);
  options.preface?.copy(whole);
  let at = writeFrameHeader(whole, before, Frame.call, { request, bytes });
  at = whole.writeDoubleBE(options.deadlineMs, at);
  whole[at++] = requestId.length;
  at = whole.writeUInt16BE(invokedArn.length, at);
  at += whole.write(requestId, at, 'latin1');
  at += whole.write(invokedArn, at, 'latin1');
  whole.set(body, at);
  return whole;
}

const MARKED = 1;
const HEAVY = 2;
const LAST = 4;
const RETURNED_FIXED_BYTES = 1 + 8 + 8;

/** What a shim says in a `returned`; its figures are not checked. */
export interface Returned {
  readonly marked: boolean;
  readonly heavy: boolean;
  readonly last: boolean;
  readonly handlerMs: number;
  readonly peakMemoryBytes: number;
  /** A view of the payload. */
  readonly answer: Buffer;
}

/** Reads the payload of a `returned`. Throws FrameError where it is too short to be one. */
export function readReturned(payload: Buffer): Returned {
  if (payload.length < RETURNED_FIXED_BYTES) throw new FrameError('an answer returned without its figures');
  const flags = payload[0]!;
  return {
    marked: (flags & MARKED) !== 0,
    heavy: (flags & HEAVY) !== 0,
    last: (flags & LAST) !== 0,
    handlerMs: payload.readDoubleBE(1),
    peakMemoryBytes: payload.readDoubleBE(9),
    answer: payload.subarray(RETURNED_FIXED_BYTES),
  };
}
