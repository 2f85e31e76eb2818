'use strict';
// The frames of src/runtimes/protocol.ts: length u32 BE (of what follows) | type u8 | request u32 BE | payload.

const PROTOCOL_VERSION = 2;
const MAX_FRAME_BYTES = 1 << 20;
const BODY_CHUNK_BYTES = 256 * 1024;
const ANSWER_WINDOW_BYTES = 1 << 20;
const HEADER_BYTES = 9;

const Frame = {
  welcome: 1,
  invoke: 2,
  event: 3,
  eventEnd: 4,
  cancel: 5,
  credit: 6,
  fork: 7,
  rest: 8,
  call: 9,
  hello: 64,
  initDone: 65,
  initError: 66,
  answer: 67,
  answerEnd: 68,
  forked: 69,
  forkFailed: 70,
  childExited: 71,
  answerBegin: 72,
  answerFinish: 73,
  rested: 74,
  returned: 75,
};

const LAST_HOST_TYPE = Frame.call;
const LAST_TYPE = Frame.returned;
const NOTHING = Buffer.alloc(0);

/** Writes a frame's header into `target` at `at`. */
function header(target, at, { type, request, bytes }) {
  target.writeUInt32BE(bytes + 5, at);
  target[at + 4] = type;
  target.writeUInt32BE(request, at + 5);
}

/** One frame as bytes. `payload`: a Buffer, or anything else to be sent as JSON. */
function encode(type, request, payload) {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  header(frame, 0, { type, request, bytes: bytes.length });
  bytes.copy(frame, HEADER_BYTES);
  return frame;
}

/** Cuts a peer's bytes into frames. Throws on a type or a length the protocol does not know. */
class FrameReader {
  constructor(lastType = LAST_HOST_TYPE) {
    this.lastType = lastType;
    this.chunks = [];
    this.bytes = 0;
    this.needed = HEADER_BYTES;
  }

  push(chunk) {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** Gives up all that has not been cut yet, to whoever reads on. */
  drain() {
    const rest = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks, this.bytes);
    this.chunks = [];
    this.bytes = 0;
    return rest;
  }

  /** The next whole frame as {type, request, payload}, or null. The payload is a view. */
  next() {
    if (this.bytes < this.needed) return null;
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks, this.bytes)];
    const buffer = this.chunks[0];
    const length = buffer.readUInt32BE(0);
    const type = buffer[4];
    if (length < 5 || length > MAX_FRAME_BYTES) throw new Error(`frame of ${length} bytes`);
    if (type < 1 || type > this.lastType) throw new Error(`frame of unknown type ${type}`);
    const end = length + 4;
    if (buffer.length < end) {
      this.needed = end;
      return null;
    }
    this.needed = HEADER_BYTES;
    this.bytes -= end;
    this.chunks = this.bytes === 0 ? [] : [buffer.subarray(end)];
    return { type, request: buffer.readUInt32BE(5), payload: length === 5 ? NOTHING : buffer.subarray(HEADER_BYTES, end) };
  }
}

module.exports = {
  PROTOCOL_VERSION,
  MAX_FRAME_BYTES,
  BODY_CHUNK_BYTES,
  ANSWER_WINDOW_BYTES,
  HEADER_BYTES,
  LAST_HOST_TYPE,
  LAST_TYPE,
  Frame,
  FrameReader,
  encode,
  header,
};
