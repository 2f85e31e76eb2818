'use strict';
// Runs a child's whole path in the parent before the first fork, against itself: what is compiled and cached here is neither
// compiled nor copied in the children.
const fs = require('node:fs');
const net = require('node:net');
const log = require('./log.cjs');
const native = require('./native.cjs');
const { becomeSomeoneElse } = require('./child.cjs');
const { confine } = require('./confine.cjs');
const { encodeCall } = require('./call-frames.cjs');
const { AF_UNIX, Link, SOCK_STREAM_CLOEXEC, address } = require('./link.cjs');
const { Frame, FrameReader, HEADER_BYTES, LAST_TYPE, PROTOCOL_VERSION, encode } = require('./frames.cjs');
const { IdleLoop } = require('./idle.cjs');
const { Instance } = require('./serve.cjs');
const { servingOf } = require('./streaming.cjs');
const { sayHello } = require('./greeting.cjs');

/** Invocations in each round: connecting is rehearsed as often as there are rounds, answering until V8 has compiled most of it. */
const ROUNDS = [8, 8, 50];
/** As often as V8 wants to see a function run before it compiles it for good; in pieces that delay an order by no more than a few milliseconds. */
const PRACTICE = { invocations: 3000, atOnce: 250, inPiecesEach: 10 };
const HANDLER_INVOCATIONS = 3;

/** Steps that change nothing. */
const harmless = () => [
  { op: 'unshare', namespaces: [] },
  { op: 'umask', mask: process.umask() },
  { op: 'environment', name: 'HEARTH_REHEARSAL', value: '1' },
  { op: 'rehearsal', optional: true },
];

const order = {
  handler: 'index.handler',
  functionName: 'rehearsal',
  functionVersion: '$LATEST',
  memoryMb: 128,
  logGroup: '/aws/lambda/rehearsal',
  concurrency: 1,
};

async function handler(event, context) {
  console.log('rehearsal %s', context.awsRequestId, context.getRemainingTimeInMillis());
  if (event.fail) throw new Error('rehearsal');
  await new Promise((resolve) => setImmediate(resolve));
  return { ...event, random: Math.random() };
}

const header = (request) => ({
  requestId: `00000000-0000-0000-0000-${String(request).padStart(12, '0')}`,
  deadlineMs: Date.now() + 3000,
  invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:rehearsal',
});

/** As the host sends most invocations: objects of another shape would undo what was compiled here. */
const invocation = (request, event) => encodeCall(request, header(request), Buffer.from(event));

/** As it sends one of a large event. */
const largeInvocation = (request, event) =>
  Buffer.concat([
    encode(Frame.invoke, request, { ...header(request), bytes: event.length }),
    encode(Frame.event, request, Buffer.from(event)),
    encode(Frame.eventEnd, request, Buffer.alloc(0)),
  ]);

const ownEvent = (request) => JSON.stringify({ fail: request % 4 === 3 });

/** A listener in the abstract namespace: leaves nothing in the file system. */
function listen() {
  const path = `\0hearth-rehearsal-${native.getpid()}-${process.hrtime.bigint()}`;
  const fd = native.check('socket', native.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0));
  const sockaddr = address(path);
  native.check('bind', native.bind(fd, sockaddr, sockaddr.length));
  native.check('listen', native.listen(fd, 1));
  return { fd, path };
}

function socketPair() {
  const pair = new Int32Array(2);
  native.check('socketpair', native.socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair));
  return pair;
}

function credit(bytes) {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return payload;
}

/** Plays the host on `fd` after the first of `count` invocations: one after the other, then goodbye. Resolves when that is over. */
function playHost(fd, count, event) {
  const socket = new net.Socket({ fd });
  const reader = new FrameReader(LAST_TYPE);
  let request = 1;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    reader.push(chunk);
    for (let frame = reader.next(); frame !== null; frame = reader.next()) {
      if (frame.type === Frame.answer) socket.write(encode(Frame.credit, frame.request, credit(frame.payload.length)));
      if (frame.type !== Frame.returned && frame.type !== Frame.answerEnd) continue;
      if (++request > count) socket.end();
      else socket.write(invocation(request, event(request)));
    }
  });
  return new Promise((resolve) => socket.on('close', resolve));
}

async function round(invocations) {
  const { fd, path } = listen();
  const link = Link.connect(path);
  const host = native.check('accept', native.accept(fd, null, null));
  fs.closeSync(fd);
  confine(harmless());
  becomeSomeoneElse();
  fs.writeSync(
    host,
    Buffer.concat([encode(Frame.welcome, 0, { protocol: PROTOCOL_VERSION, role: 'instance' }), invocation(1, ownEvent(1))]),
  );
  sayHello({ link, token: 'rehearsal', unconfined: [] });
  const fn = { order, handler, logStream: 'rehearsal' };
  const ended = new Promise((resolve) => {
    const Serving = servingOf(fn);
    new Serving(fn, resolve).open(link, 'rehearsal', 'rehearsal');
  });
  await Promise.all([ended, playHost(host, invocations, ownEvent)]);
}

/** What only confinement needs of Node.js, and what an invocation that takes its time makes an instance do. */
async function oddments() {
  fs.writeFileSync('/dev/null', 'deny');
  Buffer.alloc(8, 0xff);
  const idle = new IdleLoop();
  await new Promise((resolve) => {
    idle.wait(resolve, 1);
    setTimeout(resolve, 10);
  });
  idle.stop();
}

/**
 * What every invocation runs, again and again, without an event loop and without a host: an instance is given the bytes of an invocation, and
 * its answer is thrown away. That costs a fifth of what a rehearsed invocation does, but together it still takes longer than anyone
 * should wait for a zygote: done by one that has nothing to do. Its children answer with half the CPU from their first invocation on.
 */
class Practice {
  /**
   * The instance that practised last. V8 throws away what it compiled for good together with the last object of a shape that it was compiled for, and the full collections
   * before each fork would leave none.
   */
  static last = null;

  constructor() {
    this.left = PRACTICE.invocations;
  }

  get over() {
    return this.left === 0;
  }

  /** A piece of what is left. */
  async some() {
    const [mine, host] = socketPair();
    const [logs, reader] = socketPair(); // nothing is printed, so nothing is unread, as for most invocations
    const unmark = log.markOn(logs);
    const fn = { order, handler: async (event) => event, logStream: 'rehearsal' };
    let instance;
    const ended = new Promise((resolve) => (instance = new Instance(fn, resolve)));
    instance.open(new Link(mine), 'rehearsal', 'rehearsal');
    const event = '{"practice":true}';
    const large = largeInvocation(1, event);
    const answer = Buffer.allocUnsafe(4096);
    const cutAt = large.length - HEADER_BYTES - 8; // within the event
    const [whole, pieces] = [[invocation(1, event)], [large.subarray(0, cutAt), large.subarray(cutAt)]];
    const goal = Math.max(0, this.left - PRACTICE.atOnce);
    for (; this.left > goal; this.left--) {
      // Large events come in pieces: what was compiled without having seen one is no good for them.
      for (const piece of this.left % PRACTICE.inPiecesEach === 0 ? pieces : whole) instance.channel.take(piece, piece.length);
      while (instance.inFlight.size > 0) await Promise.resolve();
      fs.readSync(host, answer);
    }
    fs.closeSync(host);
    await ended;
    Practice.last = instance;
    unmark();
    for (const fd of [logs, reader]) fs.closeSync(fd);
    log.setRequestId(() => undefined);
    delete process.env._X_AMZN_TRACE_ID;
  }
}

async function rehearse() {
  const unmute = log.mute();
  const environment = { ...process.env };
  try {
    for (const invocations of ROUNDS) await round(invocations);
    await oddments();
  } finally {
    unmute();
    log.setRequestId(() => undefined);
    for (const name of ['HEARTH_REHEARSAL', '_X_AMZN_TRACE_ID']) if (!(name in environment)) delete process.env[name];
  }
}

/** Runs the function's own handler with its sample event. How that ends is of no interest; what it prints is the snapshot's. */
async function rehearseHandler(fn, event) {
  const [mine, host] = socketPair();
  fs.writeSync(host, invocation(1, event));
  const Serving = servingOf(fn);
  const alone = { ...fn, order: { ...fn.order, concurrency: 1 } };
  const ended = new Promise((resolve) => new Serving(alone, resolve).open(new Link(mine), null, fn.logStream));
  await Promise.all([ended, playHost(host, HANDLER_INVOCATIONS, () => event)]);
  log.setRequestId(() => undefined);
  delete process.env._X_AMZN_TRACE_ID;
}

module.exports = { Practice, rehearse, rehearseHandler };
