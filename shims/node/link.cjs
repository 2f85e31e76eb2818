'use strict';
// A connection to the host that needs no event loop: a blocking Unix stream socket, read and written synchronously.
// `serve` hands its descriptor to the event loop once the process has become an instance.
const fs = require('node:fs');
const native = require('./native.cjs');
const { FrameReader, encode } = require('./frames.cjs');

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_STREAM_CLOEXEC = SOCK_STREAM | 0o2000000; // Linux's
const MAX_PATH_BYTES = 107;
/** Where a socket's address begins with its own length. */
const HAS_LENGTH = ['darwin', 'freebsd', 'openbsd', 'netbsd'].includes(process.platform);
const READ_BYTES = 64 * 1024;
const POLLOUT = 4;

/** sockaddr_un of a path; one that starts with NUL lies in the abstract namespace. */
function address(path) {
  const bytes = Buffer.from(path);
  if (bytes.length > MAX_PATH_BYTES) throw new Error(`socket path is longer than ${MAX_PATH_BYTES} bytes: ${path}`);
  const sockaddr = Buffer.alloc(bytes.length + (bytes[0] === 0 ? 2 : 3));
  if (HAS_LENGTH) sockaddr.set([sockaddr.length, AF_UNIX]);
  else new Uint16Array(sockaddr.buffer, sockaddr.byteOffset, 1)[0] = AF_UNIX;
  bytes.copy(sockaddr, 2);
  return sockaddr;
}

/** A socket that is connected to nothing, closed by exec(2). */
function streamSocket() {
  if (process.platform === 'linux') return native.check('socket', native.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0));
  const fd = native.check('socket', native.socket(AF_UNIX, SOCK_STREAM, 0));
  native.closeOnExec(fd);
  return fd;
}

/** A connected, blocking, close-on-exec socket. */
function connect(path) {
  const sockaddr = address(path);
  const fd = streamSocket();
  if (native.connect(fd, sockaddr, sockaddr.length) < 0) {
    const failure = native.failure(`connect ${path}`);
    fs.closeSync(fd);
    throw failure;
  }
  return fd;
}

/** Writes all of `bytes`, waiting when the descriptor is full (somebody may have made it non-blocking). */
function writeAll(fd, bytes) {
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += fs.writeSync(fd, bytes, offset, bytes.length - offset);
    } catch (error) {
      if (error.code === 'EAGAIN') waitWritable(fd);
      else if (error.code !== 'EINTR') throw error;
    }
  }
}

function waitWritable(fd) {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(POLLOUT, 4);
  native.poll(entry, 1, -1);
}

class Link {
  constructor(fd) {
    this.fd = fd;
    this.reader = new FrameReader();
    this.chunk = Buffer.allocUnsafeSlow(READ_BYTES);
  }

  static connect(path) {
    return new Link(connect(path));
  }

  send(type, request, payload) {
    writeAll(this.fd, encode(type, request, payload));
  }

  /** Reads once, blocking. False at the end of the connection. Always into the same place: what a parent leaves to its collector, its children inherit. */
  fill() {
    for (;;) {
      try {
        const bytes = fs.readSync(this.fd, this.chunk, 0, READ_BYTES, null);
        if (bytes > 0) this.reader.push(Buffer.from(this.chunk.subarray(0, bytes)));
        return bytes > 0;
      } catch (error) {
        if (error.code === 'ECONNRESET') return false;
        if (error.code !== 'EINTR') throw error;
      }
    }
  }

  /** The next frame, blocking; null at the end of the connection. */
  receive() {
    for (;;) {
      const frame = this.reader.next();
      if (frame !== null) return frame;
      if (!this.fill()) return null;
    }
  }
}

module.exports = { Link, address, connect, streamSocket, writeAll, AF_UNIX, SOCK_STREAM_CLOEXEC };
