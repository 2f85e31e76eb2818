'use strict';
// The stream that a streaming handler writes its answer to, and the two places where that can go: to the host as it comes, or into
// one answer at the end, for a caller who wants it whole.
const { Writable } = require('node:stream');
const { fitting, runtimeError } = require('./failures.cjs');
const { ANSWER_WINDOW_BYTES, BODY_CHUNK_BYTES, Frame, encode } = require('./frames.cjs');

const DEFAULT_TYPE = 'application/octet-stream';
const NOTHING = Buffer.alloc(0);
/** Characters of JSON, each of which is two more at most as part of a text. */
const SURELY_FITS = 100_000;

/** `outlet`: {begin(contentType), write(bytes, done), finish()}, called in this order. */
class ResponseStream extends Writable {
  constructor(outlet, highWaterMark) {
    super(highWaterMark === undefined ? {} : { highWaterMark });
    this.outlet = outlet;
    this.contentType = DEFAULT_TYPE;
    this.begun = false;
  }

  setContentType(contentType) {
    if (this.begun) throw runtimeError('Runtime.InvalidStreamingOperation', 'Cannot set content-type, too late.');
    this.contentType = String(contentType);
  }

  /** As on Lambda, what is neither text nor bytes is written as JSON. */
  write(chunk, encoding, callback) {
    const plain = typeof chunk === 'string' || chunk instanceof Uint8Array || chunk === null || chunk === undefined;
    this.cork();
    this.begin();
    const more = super.write(plain ? chunk : JSON.stringify(chunk), encoding, callback);
    this.uncork();
    return more;
  }

  end(chunk, encoding, callback) {
    if (typeof chunk === 'function') return this.end(undefined, undefined, chunk);
    if (typeof encoding === 'function') return this.end(chunk, undefined, encoding);
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    else if (!this.writableEnded && !this.destroyed) this.begin();
    return super.end(callback);
  }

  /** With the first thing written, or with the end of a stream that nothing was written to: HttpResponseStream waits for this. */
  begin() {
    if (this.begun) return;
    this.begun = true;
    this.outlet.begin(this.contentType);
    this._onBeforeFirstWrite?.((chunk) => super.write(chunk));
  }

  _write(chunk, _encoding, done) {
    this.outlet.write(chunk, done);
  }

  _writev(chunks, done) {
    this.outlet.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  _final(done) {
    this.outlet.finish();
    done();
  }
}

/** Sends what is written to the host, no more of it than was granted. */
class Outlet {
  /** `sender`: the instance's AnswerSender, which keeps the windows; `open()` says whether the invocation is still in flight. */
  constructor(sender, request, open) {
    this.sender = sender;
    this.request = request;
    this.open = open;
    this.begun = false;
    this.head = NOTHING;
    this.window = { bytes: ANSWER_WINDOW_BYTES, wake: null };
    sender.windows.set(request, this.window);
  }

  /** Whether the handler waits for its caller to read. */
  get blocked() {
    return this.window.wake !== null;
  }

  begin(contentType) {
    this.begun = true;
    this.head = encode(Frame.answerBegin, this.request, { contentType });
  }

  write(bytes, done) {
    if (this.open()) this.push(bytes, 0, done);
    else done();
  }

  push(bytes, from, whole) {
    const { window } = this;
    let at = from;
    for (;;) {
      if (window.bytes === 0 && at < bytes.length) {
        window.wake = () => {
          window.wake = null;
          this.push(bytes, at, whole);
        };
        return;
      }
      const size = Math.min(BODY_CHUNK_BYTES, window.bytes, bytes.length - at);
      window.bytes -= size;
      const sent = this.send(size === 0 ? NOTHING : encode(Frame.answer, this.request, bytes.subarray(at, at + size)));
      at += size;
      if (at === bytes.length && sent === undefined) return whole();
      if (sent !== undefined) {
        void sent.then(() => (at < bytes.length ? this.push(bytes, at, whole) : whole()));
        return;
      }
    }
  }

  /** The first thing said goes with the type of what follows, in one write. */
  send(frame) {
    const { head } = this;
    this.head = NOTHING;
    if (head.length === 0 && frame.length === 0) return undefined;
    return this.sender.channel.write(head.length === 0 ? frame : Buffer.concat([head, frame]));
  }

  /** The caller need not wait for a handler that goes on after its answer; of one that does not, the end says enough. */
  finish() {
    void this.send(NOTHING);
    setImmediate(() => this.open() && void this.sender.channel.write(encode(Frame.answerFinish, this.request, NOTHING)));
  }

  /** The end of the invocation. `text`: the error document, where there was an error. */
  close(text, end) {
    this.sender.windows.delete(this.request);
    if (!this.begun) return this.sender.send(this.request, text, end);
    void this.send(NOTHING);
    const said = end.errorType === null ? end : { ...end, errorDocument: inAFrame(text) };
    return this.sender.channel.write(encode(Frame.answerEnd, this.request, said));
  }
}

/** An error document, as text, such that it fits into one frame as text of its JSON. */
function inAFrame(text) {
  if (text.length < SURELY_FITS) return text;
  return JSON.stringify(fitting(JSON.parse(text), (document) => JSON.stringify(JSON.stringify(document))));
}

/** Keeps what is written, up to as much as may be answered at once. */
class Collector {
  constructor(sender, request, answerBytes) {
    this.sender = sender;
    this.request = request;
    this.answerBytes = answerBytes;
    this.chunks = [];
    this.bytes = 0;
    this.blocked = false;
  }

  begin() {}

  write(bytes, done) {
    this.bytes += bytes.length;
    if (this.bytes > this.answerBytes) this.chunks = [];
    else this.chunks.push(bytes);
    done();
  }

  finish() {}

  close(text, end) {
    if (end.errorType !== null) return this.sender.send(this.request, text, end);
    if (this.bytes > this.answerBytes) return this.tooLarge(end);
    return this.sender.sendInChunks(this.request, Buffer.concat(this.chunks, this.bytes), end);
  }

  tooLarge(end) {
    const errorType = 'Function.ResponseSizeTooLarge';
    const errorMessage = `Response payload size exceeded maximum allowed payload size (${this.answerBytes} bytes).`;
    return this.sender.send(this.request, JSON.stringify({ errorType, errorMessage }), { ...end, errorType });
  }
}

module.exports = { ResponseStream, Outlet, Collector };
