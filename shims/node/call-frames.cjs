'use strict';
// The two frames of most invocations, `call` and `returned`: src/runtimes/call-frames.ts says what is where.
const { Frame, HEADER_BYTES, header } = require('./frames.cjs');

const CALL_FIXED_BYTES = 11;
const RETURNED_FIXED_BYTES = 17;
const MARKED = 1;
const HEAVY = 2;
const LAST = 4;

/** Reads the payload of a `call`: {header, event}, an InvokeHeader and the event's text. */
function readCall(payload) {
  const idEnd = CALL_FIXED_BYTES + payload[8];
  const arnEnd = idEnd + payload.readUInt16BE(9);
  const deadlineMs = payload.readDoubleBE(0);
  const requestId = payload.latin1Slice(CALL_FIXED_BYTES, idEnd);
  const invokedArn = payload.latin1Slice(idEnd, arnEnd);
  return {
    header: { requestId, deadlineMs, invokedArn, bytes: payload.length - arnEnd },
    event: payload.utf8Slice(arnEnd, payload.length),
  };
}

/** A `call` in bytes, as the host sends it. */
function encodeCall(request, { requestId, deadlineMs, invokedArn }, event) {
  const bytes = CALL_FIXED_BYTES + requestId.length + invokedArn.length + event.length;
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes);
  header(frame, 0, { type: Frame.call, request, bytes });
  let at = frame.writeDoubleBE(deadlineMs, HEADER_BYTES);
  at = frame.writeUInt8(requestId.length, at);
  at = frame.writeUInt16BE(invokedArn.length, at);
  at += frame.latin1Write(requestId, at);
  at += frame.latin1Write(invokedArn, at);
  event.copy(frame, at);
  return frame;
}

/** The `returned` of an answer whose text has `bytes` in UTF-8. `end`: AnswerEnd, of no error. */
function encodeReturned(request, text, bytes, end) {
  const payloadBytes = RETURNED_FIXED_BYTES + bytes;
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payloadBytes);
  header(frame, 0, { type: Frame.returned, request, bytes: payloadBytes });
  frame[HEADER_BYTES] = (end.marked ? MARKED : 0) | (end.heavy === true ? HEAVY : 0) | (end.last === true ? LAST : 0);
  frame.writeDoubleBE(end.handlerMs, HEADER_BYTES + 1);
  frame.writeDoubleBE(end.peakMemoryBytes, HEADER_BYTES + 9);
  frame.utf8Write(text, HEADER_BYTES + RETURNED_FIXED_BYTES);
  return frame;
}

module.exports = { encodeCall, encodeReturned, readCall };
