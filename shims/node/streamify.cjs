'use strict';
// The global `awslambda` of AWS's Node.js runtime: how a handler says that it streams its answer.
const { runtimeError } = require('./failures.cjs');

/** AWS's own symbols: wrappers of handlers copy them. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const RESPONSE = 'response';

/** What comes under this type begins with JSON of status, headers and cookies, and eight zeros; a function URL takes it off. */
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';
const DELIMITER_BYTES = 8;

const HttpResponseStream = {
  /** The same stream, which writes `prelude` ({statusCode, headers, cookies}) before the first thing that is written to it. */
  from(stream, prelude) {
    stream.setContentType(PRELUDE_TYPE);
    const text = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(new Uint8Array(DELIMITER_BYTES));
    };
    return stream;
  },
};

/** Marks `handler(event, responseStream, context)` and gives it back. */
function streamifyResponse(handler, options) {
  handler[STREAMING] = RESPONSE;
  if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  return handler;
}

/** Before user code, in the function's own environment: which may say, as on Lambda, that it wants no such global. */
function offer() {
  const unwanted = ['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA);
  if (!unwanted) globalThis.awslambda = { streamifyResponse, HttpResponseStream };
}

/** Whether a handler streams its answer. Throws Runtime.MalformedStreamingHandler for a mark that means nothing. */
function streams(handler) {
  const mark = handler[STREAMING];
  if (mark === undefined || mark === null || mark === false) return false;
  if (mark === RESPONSE) return true;
  throw runtimeError('Runtime.MalformedStreamingHandler', 'Only response streaming is supported.');
}

/** How many bytes its stream keeps before `write` says false; undefined: as many as any stream of Node.js. */
function highWaterMark(handler) {
  const mark = Number.parseInt(handler[HIGH_WATER_MARK], 10);
  return Number.isNaN(mark) ? undefined : mark;
}

module.exports = { offer, streams, highWaterMark };
