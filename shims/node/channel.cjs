'use strict';
// An instance's connection to the host once the event loop runs. Most invocations are one read into a buffer that is used again and
// one write without the event loop's help: streams would cost more than all the rest of the shim.
const fs = require('node:fs');
const net = require('node:net');
const native = require('./native.cjs');
const { streamSocket } = require('./link.cjs');
const { Frame, HEADER_BYTES, MAX_FRAME_BYTES, LAST_HOST_TYPE } = require('./frames.cjs');

const READ_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

class Channel {
  /**
   * Made before there is a connection, around a socket that leads nowhere: a parent does it once for all its children, each of which would spend half a millisecond on it.
   * `onFrame(type, request, payload, last)`: the payload is a view that holds until it returns;
   * `last`: of an event that ends in the same read, until its `eventEnd` does. `event` frames are handed on in the pieces in which they come.
   * `onClosed` is called when the host has gone.
   */
  constructor(onFrame, onClosed) {
    this.fd = streamSocket();
    this.onFrame = onFrame;
    this.rest = NOTHING;
    this.missing = 0; // bytes of an `event` frame that are to come, and whose they are
    this.request = 0;
    this.socket = new net.Socket({
      fd: this.fd,
      onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: (bytes, buffer) => this.take(buffer, bytes) },
    });
    this.socket.on('error', () => {}); // 'close' follows
    this.socket.on('close', onClosed);
  }

  /** Takes the connection of `link`, and hands on what that has read ahead. Once, before the event loop turns. */
  open(link) {
    native.check('dup2', native.dup2(link.fd, this.fd));
    native.closeOnExec(this.fd);
    native.nonBlocking(this.fd);
    fs.closeSync(link.fd);
    const ahead = link.reader.drain(); // what came in the same packet as the welcome
    if (ahead.length > 0) this.take(ahead, ahead.length);
  }

  /** Takes the first `bytes` of `buffer`, which are overwritten by the next read. True: go on reading. */
  take(buffer, bytes) {
    try {
      const from = this.missing > 0 ? this.takeMissing(buffer, bytes) : 0;
      if (this.rest.length > 0) {
        const whole = Buffer.concat([this.rest, buffer.subarray(from, bytes)]);
        this.rest = NOTHING;
        this.rest = whole.subarray(this.cut(whole, 0, whole.length));
      } else {
        const used = this.cut(buffer, from, bytes);
        if (used < bytes) this.rest = Buffer.from(buffer.subarray(used, bytes));
      }
    } catch (error) {
      process.stderr.write(`hearth: ${error.message}\n`);
      this.socket.destroy(); // not the protocol: nothing is guessed
    }
    return true;
  }

  /** The next piece of an event. Returns where it ends. */
  takeMissing(buffer, bytes) {
    const piece = Math.min(this.missing, bytes);
    this.missing -= piece;
    this.onFrame(Frame.event, this.request, buffer.subarray(0, piece), false);
    return piece;
  }

  /** Hands on every whole frame of `buffer` from `at` on, and what is there of an event; returns where the first frame that is not whole begins. */
  cut(buffer, at, bytes) {
    while (bytes - at >= HEADER_BYTES) {
      const length = buffer.readUInt32BE(at);
      const type = buffer[at + 4];
      if (length < 5 || length > MAX_FRAME_BYTES) throw new Error(`frame of ${length} bytes`);
      if (type < 1 || type > LAST_HOST_TYPE) throw new Error(`frame of unknown type ${type}`);
      const end = at + 4 + length;
      const request = buffer.readUInt32BE(at + 5);
      if (end > bytes) {
        if (type !== Frame.event) break;
        this.request = request;
        this.missing = end - bytes;
        this.onFrame(type, request, buffer.subarray(at + HEADER_BYTES, bytes), false);
        return bytes;
      }
      const last = type === Frame.event && bytes - end >= HEADER_BYTES && buffer[end + 4] === Frame.eventEnd;
      this.onFrame(type, request, buffer.subarray(at + HEADER_BYTES, end), last);
      at = end;
    }
    return at;
  }

  /** Undefined when the kernel has taken all of it at once, else a promise that resolves when it has. */
  write(bytes) {
    let rest = bytes;
    if (this.socket.writableLength === 0) {
      const written = this.writeNow(bytes);
      if (written === bytes.length) return undefined;
      rest = bytes.subarray(written);
    }
    return new Promise((resolve) => this.socket.write(rest, resolve));
  }

  writeNow(bytes) {
    try {
      return fs.writeSync(this.fd, bytes, 0, bytes.length);
    } catch {
      return 0; // no room; or the host has gone, as the socket will find
    }
  }

  destroy() {
    this.socket.destroy();
  }
}

module.exports = { Channel };
