'use strict';
// A process that waits for `fork` orders runs no event loop: it blocks in poll(2) on its connection and on a pidfd for
// each living child, so that it reaps at once whatever ends, and no timer of the user's ever fires here.
const fs = require('node:fs');
const native = require('./native.cjs');
const { fork } = require('./fork.cjs');
const { Frame } = require('./frames.cjs');
const { nowMs } = require('./monotonic.cjs');
const { collectYoung } = require('./rubbish.cjs');

const POLLIN = 1;
const WNOHANG = 1;
/** struct rusage, of which the third field is the most memory that was held, in kB, here as everywhere 64 bits wide. */
const RUSAGE = { bytes: 144, maxRssAt: 32 };
const F_DUPFD_CLOEXEC = 1030;
const ENTRY_BYTES = 8;
/** How often to look for ended children that could not be watched (no pidfd: old kernel, no descriptors left). */
const UNWATCHED_POLL_MS = 100;
/** Children after which a parent collects what its orders have left behind: one that is forked when V8's young generation is nearly full would have to, in pages of its own. */
const FORKS_A_COLLECTION = 64;

/** What poll(2) is asked: entry 0 is the connection, the others are children. */
class Watch {
  constructor(fd) {
    this.entries = Buffer.alloc(64 * ENTRY_BYTES);
    this.count = 0;
    this.indexes = new Map(); // pid -> entry
    this.pids = [];
    this.unwatched = new Set();
    this.forked = new Set();
    this.add(0, fd);
    // Descriptors of children lie above all others, so that a new child closes them with one call.
    this.floor = Math.max(...fs.readdirSync('/proc/self/fd').map(Number)) + 16;
  }

  add(pid, fd) {
    if ((this.count + 1) * ENTRY_BYTES > this.entries.length)
      this.entries = Buffer.concat([this.entries, Buffer.alloc(this.entries.length)]);
    this.entries.writeInt32LE(fd, this.count * ENTRY_BYTES);
    this.entries.writeInt16LE(POLLIN, this.count * ENTRY_BYTES + 4);
    this.indexes.set(pid, this.count);
    this.pids[this.count++] = pid;
  }

  child(pid) {
    const fd = native.pidfdOpen(pid);
    const high = fd < 0 ? -1 : native.fcntl(fd, F_DUPFD_CLOEXEC, this.floor);
    if (fd >= 0) fs.closeSync(fd);
    if (high >= 0) this.add(pid, high);
    else this.unwatched.add(pid);
  }

  /** Forgets an ended child; the last entry takes its place. */
  forget(pid) {
    this.unwatched.delete(pid);
    const index = this.indexes.get(pid);
    if (index === undefined) return;
    fs.closeSync(this.entries.readInt32LE(index * ENTRY_BYTES));
    const last = --this.count;
    this.entries.copyWithin(index * ENTRY_BYTES, last * ENTRY_BYTES, (last + 1) * ENTRY_BYTES);
    this.pids[index] = this.pids[last];
    this.indexes.set(this.pids[index], index);
    this.indexes.delete(pid);
  }

  /** Blocks until something happened, or for `quietMs` at most (-1: for ever). What it was. */
  wait(quietMs) {
    const ready = native.poll(this.entries, this.count, this.unwatched.size > 0 ? UNWATCHED_POLL_MS : quietMs);
    if (ready > 0) return this.entries.readInt16LE(6) !== 0 ? 'order' : 'child';
    return ready === 0 && this.unwatched.size === 0 ? 'quiet' : 'child';
  }
}

/** Reaps all that ended, orphans that came to us included, and says so of those that we forked. */
function reap(link, watch) {
  const status = Buffer.alloc(4);
  const usage = Buffer.alloc(RUSAGE.bytes);
  let reaped = false;
  for (let pid; (pid = native.wait4(-1, status, WNOHANG, usage)) > 0; reaped = true) {
    watch.forget(pid);
    if (!watch.forked.delete(pid)) continue;
    const value = status.readInt32LE(0);
    const signal = value & 0x7f;
    const peakMemoryBytes = Number(usage.readBigInt64LE(RUSAGE.maxRssAt)) * 1024;
    link.send(Frame.childExited, 0, { pid, code: signal === 0 ? (value >> 8) & 0xff : null, signal: signal || null, peakMemoryBytes });
  }
  if (reaped) adopt(watch);
}

/** Where this process is a subreaper, the orphans of one that ended come to it: watched too, so that they get reaped. */
function adopt(watch) {
  for (const pid of livingChildren()) {
    if (!watch.indexes.has(pid) && !watch.unwatched.has(pid)) watch.child(pid);
  }
}

function livingChildren() {
  try {
    return fs.readFileSync(`/proc/self/task/${native.getpid()}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // a kernel without CONFIG_PROC_CHILDREN, or another PID namespace's /proc
  }
}

/** Carries out fork orders until one of them makes it a child. */
class Orders {
  constructor(link) {
    this.link = link;
    this.watch = new Watch(link.fd);
    this.held = null; // an order that has time
    this.uncollected = 0; // children since the last collection
  }

  /**
   * Returns its order in each child, with what belonged to the parent closed. In the parent null, and only when `practised` is false: nothing
   * happened for `quietMs`, or an order came that asks for practice first; it is carried out by the next call.
   */
  wait(practised, quietMs) {
    for (;;) {
      // The first orders may have come in the same packet as the welcome.
      for (let frame = this.next(); frame !== null; frame = this.next()) {
        if (frame.type !== Frame.fork) throw new Error(`frame of type ${frame.type} while waiting for fork orders`);
        const order = JSON.parse(frame.payload.toString());
        if (order.practised && !practised) {
          this.held = frame;
          return null;
        }
        const takenMs = nowMs();
        if (this.obey(frame.request)) return { ...order, takenMs, forkedMs: nowMs() };
      }
      this.tidy();
      const what = this.watch.wait(practised ? -1 : quietMs);
      if (what === 'quiet') return null;
      if (what === 'order' && !this.link.fill()) native._exit(0);
      reap(this.link, this.watch);
    }
  }

  tidy() {
    if (this.uncollected < FORKS_A_COLLECTION) return;
    this.uncollected = 0;
    collectYoung();
  }

  next() {
    const frame = this.held ?? this.link.reader.next();
    this.held = null;
    return frame;
  }

  /** Forks. True in the child, which keeps nothing of its parent's. */
  obey(request) {
    let pid;
    try {
      pid = fork();
    } catch (error) {
      this.link.send(Frame.forkFailed, request, { message: error.message });
      return false;
    }
    if (pid === 0) {
      fs.closeSync(this.link.fd);
      native.closeFrom(this.watch.floor);
      return true;
    }
    this.uncollected += 1;
    this.watch.forked.add(pid);
    this.watch.child(pid);
    this.link.send(Frame.forked, request, { pid });
    return false;
  }
}

module.exports = { Orders };
