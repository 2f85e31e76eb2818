'use strict';
// Sends answers in chunks, no more of each under way than the host has granted.
const { encodeReturned } = require('./call-frames.cjs');
const { ANSWER_WINDOW_BYTES, BODY_CHUNK_BYTES, Frame, HEADER_BYTES, encode, header } = require('./frames.cjs');

class AnswerSender {
  constructor(channel) {
    this.channel = channel;
    this.windows = new Map(); // request -> {bytes, wake}
  }

  /** `text` is the answer, `end` AnswerEnd. Undefined when both have been handed to the kernel, or a promise of that. */
  send(request, text, end) {
    const bytes = Buffer.byteLength(text);
    if (bytes > BODY_CHUNK_BYTES) return this.sendInChunks(request, Buffer.from(text), end);
    if (end.errorType === null) return this.channel.write(encodeReturned(request, text, bytes, end));
    return this.sendAtOnce(request, text, bytes, end);
  }

  /** Both frames in one write. */
  sendAtOnce(request, text, bytes, end) {
    const ending = JSON.stringify(end);
    const endingBytes = Buffer.byteLength(ending);
    const frames = Buffer.allocUnsafe(2 * HEADER_BYTES + bytes + endingBytes);
    header(frames, 0, { type: Frame.answer, request, bytes });
    frames.utf8Write(text, HEADER_BYTES);
    header(frames, HEADER_BYTES + bytes, { type: Frame.answerEnd, request, bytes: endingBytes });
    frames.utf8Write(ending, 2 * HEADER_BYTES + bytes);
    return this.channel.write(frames);
  }

  async sendInChunks(request, body, end) {
    const window = { bytes: ANSWER_WINDOW_BYTES, wake: null };
    this.windows.set(request, window);
    for (let offset = 0; offset < body.length;) {
      while (window.bytes === 0) await new Promise((resolve) => (window.wake = resolve));
      const size = Math.min(BODY_CHUNK_BYTES, window.bytes, body.length - offset);
      window.bytes -= size;
      await this.channel.write(encode(Frame.answer, request, body.subarray(offset, offset + size)));
      offset += size;
    }
    this.windows.delete(request);
    return this.channel.write(encode(Frame.answerEnd, request, end));
  }

  credit(request, bytes) {
    const window = this.windows.get(request);
    if (window === undefined) return; // late: all of it is sent
    window.bytes += bytes;
    window.wake?.();
  }
}

module.exports = { AnswerSender };
