'use strict';
// An instance whose handler streams its answer. Everything else is as in any other instance.
const { performance } = require('node:perf_hooks');
const { createContext } = require('./context.cjs');
const { Frame } = require('./frames.cjs');
const { Collector, Outlet, ResponseStream } = require('./response-stream.cjs');
const { Instance, parseEvent } = require('./serve.cjs');
const { highWaterMark, streams } = require('./streamify.cjs');

/** Promises that never settle are rare: looked for late and seldom. */
const UNSETTLED_LOOK_MS = 100;

class StreamingInstance extends Instance {
  /** Longest answer that is taken whole. The process's, not each instance's: every field of those counts for code that was compiled for others. */
  static answerBytes = 0;

  receive(type, request, payload, last) {
    if (type === Frame.cancel) this.inFlight.get(request)?.stream?.destroy(new Error('the answer is longer than may be streamed'));
    else super.receive(type, request, payload, last);
  }

  start(invocation, given) {
    invocation.startedAt = performance.now();
    let event;
    try {
      event = parseEvent(given);
    } catch (error) {
      void this.finish(invocation, error);
      return;
    }
    const { request, header } = invocation;
    const open = () => this.inFlight.get(request) === invocation;
    invocation.outlet =
      header.stream === true ? new Outlet(this.sender, request, open) : new Collector(this.sender, request, StreamingInstance.answerBytes);
    invocation.stream = new ResponseStream(invocation.outlet, highWaterMark(this.fn.handler));
    this.call(invocation, event);
  }

  /** The invocation ends when the handler has settled and the stream has ended, whichever comes last; with the first error of either. */
  call(invocation, event) {
    const { stream } = invocation;
    let settled = false;
    const settle = (error) => {
      if (settled) return;
      settled = true;
      this.idle?.stop();
      void this.finish(invocation, error);
      if (error !== undefined) stream.destroy();
    };
    const ended = new Promise((resolve, reject) => {
      stream.once('finish', resolve);
      stream.once('error', reject);
      stream.once('close', () => reject(new Error('Response stream is not finished.'))); // after 'finish' that says nothing
    });
    ended.catch(() => {}); // a handler that waits for nothing is asked first
    try {
      const returned = this.fn.handler(event, stream, streamingContext(this.fn, invocation.header));
      if (typeof returned?.then !== 'function') throw new Error('Streaming does not support non-async handlers.');
      returned
        .then((result) => {
          if (result !== undefined) console.warn('Streaming handlers ignore return values.');
          return ended;
        })
        .then(
          () => settle(),
          (error) => settle(error ?? String(error)),
        );
      this.watch(invocation, settle);
    } catch (error) {
      settle(error ?? String(error));
    }
  }

  /** Nothing is left that could end it; one that waits for its caller to read looks just so, and is let wait. */
  watch(invocation, settle) {
    this.idle?.wait(() => {
      if (invocation.outlet.blocked) this.watch(invocation, settle);
      else settle(new Error('Response stream is not finished.'));
    }, UNSETTLED_LOOK_MS);
  }

  answer(invocation, errorType, text, handlerMs) {
    const { outlet } = invocation;
    if (outlet === undefined) return super.answer(invocation, errorType, text, handlerMs); // its event was no JSON
    const end = this.ending(invocation, errorType, handlerMs);
    return end === null ? undefined : outlet.close(text, end);
  }
}

/** As on Lambda, without the ways to answer that a callback handler has. */
function streamingContext(fn, header) {
  const { succeed: _succeed, fail: _fail, done: _done, ...context } = createContext(fn, header, () => {});
  return context;
}

/** The class that serves a function. */
function servingOf({ handler, order }) {
  if (!streams(handler)) return Instance;
  StreamingInstance.answerBytes = order.answerBytes;
  return StreamingInstance;
}

module.exports = { servingOf };
