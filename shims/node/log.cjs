'use strict';
// What a function prints goes to descriptors 1 and 2 by blocking writes, so nothing is ever left to be flushed; what native code
// and child processes print goes the same way. console.* writes Lambda's lines, as text or as JSON.
const fs = require('node:fs');
const { Writable } = require('node:stream');
const { format } = require('node:util');
const jsonLines = require('./json-lines.cjs');
const { writeAll } = require('./link.cjs');
const native = require('./native.cjs');

const F_DUPFD = 0;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const FIRST_PRIVATE_FD = 10;
const LEVELS = { log: 'INFO', info: 'INFO', debug: 'DEBUG', trace: 'TRACE', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };

/** Private duplicate of the log stream, out of reach of user code that closes or redirects 1 and 2. */
let markFd = 1;
/** Where process.stdout and process.stderr really write; differs from 1 and 2 only during a rehearsal. */
const targets = { 1: 1, 2: 2 };
/** Tells the request a line belongs to; undefined before the first. */
let requestId = () => undefined;

function write(fd, bytes) {
  try {
    writeAll(targets[fd], bytes);
  } catch (error) {
    if (error.code !== 'EPIPE' && error.code !== 'EBADF' && error.code !== 'ECONNRESET') throw error;
    // The host has gone, and so will we; or the function closed its own output.
  }
}

class LogStream extends Writable {
  constructor(fd) {
    super({ decodeStrings: true, emitClose: false, autoDestroy: false });
    this.fd = fd;
    this._type = 'fs';
  }

  _write(chunk, _encoding, done) {
    write(this.fd, chunk);
    done();
  }

  /** Like the real ones, they can't be closed. */
  _destroy(error, done) {
    done(error);
  }
}

/** One line of Lambda's text format; newlines within become carriage returns. */
function textLine(level, args) {
  return `${new Date().toISOString()}\t${requestId()}\t${level}\t${format(...args)}`;
}

/** Makes the lines of console.* what the environment of a function says: AWS_LAMBDA_LOG_FORMAT and, with JSON, AWS_LAMBDA_LOG_LEVEL. */
function setFormat({ AWS_LAMBDA_LOG_FORMAT: wanted = '', AWS_LAMBDA_LOG_LEVEL: least = '' }) {
  const json = wanted.toUpperCase() === 'JSON';
  const line = json ? (level, args) => jsonLines.line({ level, requestId: requestId(), args }) : textLine;
  for (const [method, level] of Object.entries(LEVELS)) {
    const silent = json && jsonLines.below(level, least.toUpperCase());
    console[method] = silent ? () => {} : (...args) => write(1, Buffer.from(`${line(level, args).replaceAll('\n', '\r')}\n`));
  }
}

/** In the zygote, before anything asks for process.stdout: Node.js would make streams for the descriptors of now. */
function install() {
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ]) {
    const stream = new LogStream(fd);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
  setFormat({});
}

/** In each process: descriptors 1 and 2 are its own by now. */
function keepPrivate() {
  markFd = native.check('dup log', native.fcntl(1, F_DUPFD, FIRST_PRIVATE_FD));
  native.check('dup log', native.fcntl(markFd, F_SETFD, FD_CLOEXEC));
}

/**
 * After user code has run in the init phase: makes those of 0, 1 and 2 that it closed anew, and says so. Whatever is opened next would have their number: the
 * connection to the host, on which the function would then print, or a client's of its own.
 */
function restoreClosed() {
  const closed = [0, 1, 2].filter(isClosed);
  if (closed.length === 0) return;
  if (closed.includes(0)) fs.openSync('/dev/null', 'r'); // the lowest that is free
  for (const fd of closed) if (fd > 0) native.check('dup2', native.dup2(markFd, fd));
  const names = closed.map((fd) => ['standard input', 'standard output', 'standard error'][fd]).join(' and ');
  writeAll(markFd, Buffer.from(`hearth: the init phase closed its ${names}: what is printed goes to the log all the same\n`));
}

function isClosed(fd) {
  try {
    fs.fstatSync(fd);
    return false;
  } catch (error) {
    return error.code === 'EBADF';
  }
}

function privateFd() {
  return markFd;
}

/**
 * Says on the log stream that what `id` printed is complete (logMark in src/runtimes/protocol.ts). False when that need not be said: the
 * host has read everything that was ever printed, which is so for most invocations.
 */
function mark(nonce, id) {
  if (native.unread(markFd) === 0) return false;
  try {
    writeAll(markFd, Buffer.from(`\u0000${nonce}:${id}\n`));
  } catch (error) {
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error;
  }
  return true;
}

/** Lets marks go to the socket `fd` until the returned function is called. */
function markOn(fd) {
  const before = markFd;
  markFd = fd;
  return () => void (markFd = before);
}

/** Sends all output nowhere until the returned function is called. */
function mute() {
  const nowhere = fs.openSync('/dev/null', 'w');
  const before = markFd;
  targets[1] = targets[2] = markFd = nowhere;
  return () => {
    targets[1] = 1;
    targets[2] = 2;
    markFd = before;
    fs.closeSync(nowhere);
  };
}

function setRequestId(tell) {
  requestId = tell;
}

module.exports = { install, keepPrivate, privateFd, restoreClosed, mark, markOn, mute, setFormat, setRequestId };
