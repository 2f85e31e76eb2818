'use strict';
const native = require('./native.cjs');

/** Handles that a callback of setImmediate sees active when nothing is going on: 1 in Node.js 20, which is not documented, so it is measured. */
let quietHandles = 0;

/** At the start of a process, before it has anything that would count. */
function calibrate() {
  return new Promise((resolve) => {
    setImmediate(() => {
      quietHandles = native.activeHandles();
      resolve();
    });
  });
}

/** Whether the connection to the host is all that keeps the event loop alive. Asked in the check phase only. */
function isIdle() {
  return (
    native.activeHandles() <= quietHandles + 1 && native.pendingRequests() === 0 && !process.getActiveResourcesInfo().includes('Immediate')
  );
}

const LONGEST_PAUSE_MS = 100;

/**
 * Tells when the event loop has nothing left to do but listen to the host: what Lambda's callback handlers wait for.
 * Node.js's own `beforeExit` can't say so in a forked process: before it, Node.js waits for tasks that V8 left (one for each full
 * collection) to threads that did not survive the fork, for ever. So libuv's own counts are looked at, while somebody waits,
 * in the check phase, where they are exact.
 */
class IdleLoop {
  constructor() {
    this.then = null;
    this.timer = undefined;
  }

  /** Calls `then` once, when nothing is left to do; first looks after `pauseMs`, 0 = at the end of this turn of the loop. */
  wait(then, pauseMs) {
    this.stop();
    this.then = then;
    this.lookAfter(pauseMs);
  }

  stop() {
    this.then = null;
    clearTimeout(this.timer);
  }

  lookAfter(pauseMs) {
    const { then } = this;
    const look = () => {
      if (this.then !== then || then === null) return;
      if (!isIdle()) return this.lookAfter(Math.min(pauseMs * 2 || 1, LONGEST_PAUSE_MS));
      this.stop();
      return then();
    };
    if (pauseMs === 0) setImmediate(look);
    else this.timer = setTimeout(() => setImmediate(look), pauseMs).unref();
  }
}

module.exports = { IdleLoop, calibrate };
