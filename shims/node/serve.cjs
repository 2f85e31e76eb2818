'use strict';
// The loop of an instance: invocations come in as frames, answers go out, several at once where the function allows it.
const { AsyncLocalStorage } = require('node:async_hooks');
const { isAscii } = require('node:buffer');
const { performance } = require('node:perf_hooks');
const log = require('./log.cjs');
const { AnswerSender } = require('./answer.cjs');
const { readCall } = require('./call-frames.cjs');
const { Channel } = require('./channel.cjs');
const { errorDocument, loggable, runtimeError } = require('./failures.cjs');
const { Frame, encode } = require('./frames.cjs');
const { welcomeOf } = require('./greeting.cjs');
const { IdleLoop, SharedIdleLoop } = require('./idle.cjs');
const { InFlight } = require('./in-flight.cjs');
const { invoke } = require('./invocation.cjs');
const { Trimmer } = require('./trim.cjs');

const NOTHING = Buffer.alloc(0);

/** The function as every invocation looks at it: always objects of the same shapes, so that what was compiled in a zygote's practice is good for every function. */
function shaped({ order, handler, logStream }) {
  const { functionName, functionVersion, memoryMb, logGroup, concurrency } = order;
  return { order: { functionName, functionVersion, memoryMb: String(memoryMb), logGroup, concurrency }, handler, logStream };
}

class Instance {
  /**
   * Made before it serves: a parent makes the one that each of its children will be.
   * @param fn {order, handler, logStream}. `closed` is called when the host has gone.
   */
  constructor(fn, closed) {
    this.fn = shaped(fn);
    this.leaving = false;
    this.token = null;
    this.inFlight = new InFlight();
    this.current = undefined;
    this.traceId = '';
    this.shared = fn.order.concurrency > 1 ? new AsyncLocalStorage() : null;
    this.idle = this.shared === null ? new IdleLoop() : null;
    this.sharedIdle = this.shared === null ? null : new SharedIdleLoop();
    log.setRequestId(() => this.active()?.header.requestId);
    this.trimmer = new Trimmer();
    this.channel = new Channel((type, request, payload, last) => this.receive(type, request, payload, last), closed);
    this.sender = new AnswerSender(this.channel);
  }

  /** Serves what comes over `link`, from now on. `token` marks the log; null: not at all. */
  open(link, token, logStream) {
    this.token = token;
    this.fn.logStream = logStream;
    this.trimmer.begin();
    this.channel.open(link);
  }

  /** The invocation that the running code belongs to, or the last one. */
  active() {
    return this.shared === null ? this.current : this.shared.getStore();
  }

  receive(type, request, payload, last) {
    if (type === Frame.call) {
      const { header, event } = readCall(payload);
      this.begin(this.take(request, header), event);
      return;
    }
    if (type === Frame.invoke) return void this.take(request, JSON.parse(payload.utf8Slice(0, payload.length)));
    if (type === Frame.welcome) return welcomeAsInstance(payload);
    if (type === Frame.rest) return this.rest();
    const invocation = this.inFlight.get(request);
    if (type === Frame.event) takePiece(invocation, payload, last);
    else if (type === Frame.eventEnd) this.run(invocation);
    else if (type === Frame.credit) this.sender.credit(request, payload.readUInt32BE(0));
    else if (type !== Frame.cancel) throw new Error(`frame of type ${type} for an instance`);
    // A cancelled handler runs on, and its answer is the host's to drop.
  }

  take(request, header) {
    const invocation = { request, header, event: null, gathered: 0, startedAt: 0 };
    this.inFlight.add(invocation);
    return invocation;
  }

  /** The host gave nothing to do for a while. A call that came right behind goes first: it is in the same read, or was not written yet. */
  rest() {
    setImmediate(() => {
      if (this.inFlight.size === 0) this.trimmer.trim();
      void this.channel.write(encode(Frame.rested, 0, NOTHING));
    });
  }

  run(invocation) {
    const { header, event, gathered } = invocation;
    if (gathered > 0 && gathered < header.bytes) throw new Error(`an event of ${gathered} bytes, announced were ${header.bytes}`);
    invocation.event = null;
    this.begin(invocation, event);
  }

  /** `event`: its bytes or its text; null: none came. */
  begin(invocation, event) {
    if (this.shared === null) {
      this.current = invocation;
      const { traceId = '' } = invocation.header;
      if (traceId !== this.traceId) this.trace(traceId);
      this.start(invocation, event);
    } else this.shared.run(invocation, () => this.start(invocation, event));
  }

  /** Told through the environment, whose every change is a system call of sorts: most invocations have none. */
  trace(traceId) {
    this.traceId = traceId;
    if (traceId) process.env._X_AMZN_TRACE_ID = traceId;
    else delete process.env._X_AMZN_TRACE_ID;
  }

  start(invocation, given) {
    const settle = (error, result) => this.finish(invocation, error, result);
    invocation.startedAt = performance.now();
    let event;
    try {
      event = parseEvent(given);
    } catch (error) {
      void settle(error);
      return;
    }
    invoke(this.fn, invocation.header, event, { idle: this.idle, sharedIdle: this.sharedIdle, settle });
  }

  finish(invocation, error, result) {
    const handlerMs = performance.now() - invocation.startedAt;
    this.idle?.stop();
    let text;
    try {
      if (error === undefined) text = JSON.stringify(result) ?? 'null';
    } catch (cause) {
      error = runtimeError('Runtime.MarshalError', `Unable to stringify response body as json: ${cause?.message}`);
    }
    if (error === undefined) return this.answer(invocation, null, text, handlerMs);
    const report = () => console.error('Invoke Error', loggable(error));
    if (this.shared === null) report();
    else this.shared.run(invocation, report);
    return this.fail(invocation, error, handlerMs);
  }

  fail(invocation, error, handlerMs) {
    const document = errorDocument(error);
    return this.answer(invocation, document.errorType, JSON.stringify(document), handlerMs);
  }

  answer(invocation, errorType, text, handlerMs) {
    const end = this.ending(invocation, errorType, handlerMs);
    return end === null ? undefined : this.sender.send(invocation.request, text, end);
  }

  /** AnswerEnd of an invocation, which is over with it; null when it was before. */
  ending({ request, header }, errorType, handlerMs) {
    if (!this.inFlight.delete(request)) return null;
    const marked = this.token !== null && log.mark(this.token, header.requestId);
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    const end = { errorType, handlerMs, peakMemoryBytes, marked };
    if (this.leaving) return { ...end, last: true };
    return this.trimmer.heavy(peakMemoryBytes) ? { ...end, heavy: true } : end;
  }

  /** Something was thrown where nobody catches: answers what it belongs to with it (all that is in flight, if that can't be told). */
  async abandon(thrown) {
    this.leaving = true;
    this.idle?.stop();
    const owner = this.active();
    const victims = owner !== undefined && this.inFlight.get(owner.request) !== undefined ? [owner] : this.inFlight.all();
    const sent = [];
    for (const invocation of victims)
      sent.push(this.fail(invocation, thrown, performance.now() - (invocation.startedAt || performance.now())));
    await Promise.all(sent);
  }
}

/** Comes here where the process got ready while its greeting was on its way. */
function welcomeAsInstance(payload) {
  const { role } = welcomeOf(payload);
  if (role !== 'instance') throw new Error(`the host asks a snapshot's child to be the role ${role}`);
}

/**
 * Most events come in one piece and are parsed where they lie. The pieces of others are put where they are to be in the end: what costs a new
 * instance most is memory that it touches for the first time.
 */
function takePiece(invocation, piece, last) {
  if (last && invocation.event === null) return void (invocation.event = piece);
  const { bytes } = invocation.header;
  if (invocation.gathered + piece.length > bytes) throw new Error(`an event of more than the ${bytes} bytes that were announced`);
  invocation.event ??= Buffer.allocUnsafeSlow(bytes);
  invocation.gathered += piece.copy(invocation.event, invocation.gathered);
}

/** An event from its bytes or its text. Nothing at all is an empty one, as on Lambda. */
function parseEvent(given) {
  try {
    return given === null || given.length === 0 ? {} : JSON.parse(typeof given === 'string' ? given : textOf(given));
  } catch (error) {
    throw runtimeError('Runtime.UnmarshalError', `Unable to unmarshal input: ${error.message}`);
  }
}

/** A picture as base64 is all ASCII, which need not be decoded. */
const textOf = (bytes) => (isAscii(bytes) ? bytes.latin1Slice(0, bytes.length) : bytes.utf8Slice(0, bytes.length));

module.exports = { Instance, parseEvent };
