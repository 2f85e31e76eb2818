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

/** Handles that are closing and tasks on their way from another thread don't count, but last no longer than a turn. */
const IDLE_LOOKS = 3;
const CONFIRM_PAUSE_MS = 20;

/**
 * Tells when the event loop has nothing left to do but listen to the host: what Lambda's callback handlers wait for.
 * Node.js's own `beforeExit` can't say so in a forked process: before it, Node.js waits for tasks that V8 left (one for each full
 * collection) to threads that did not survive the fork, for ever. So libuv's own counts are looked at, while somebody waits,
 * in the check phase, where they are exact.
 */
class IdleLoop {
  constructor() {
    this.then = null;
    this.armedFor = null;
    this.timer = undefined;
    this.immediate = undefined;
  }

  /** Calls `then` once, when nothing is left to do. First looks after `pauseMs`, or up to twice as much; 0 = at the end of this turn of the loop. */
  wait(then, pauseMs) {
    this.then = then;
    if (pauseMs === 0) this.lookAfter(0, 0, 0);
    else if (this.armedFor === null) this.arm(pauseMs);
  }

  stop() {
    this.then = null;
    if (this.timer !== undefined) clearTimeout(this.timer);
    if (this.immediate !== undefined) clearImmediate(this.immediate);
    this.timer = this.immediate = undefined;
  }

  /** One timer for the many invocations that end before it fires. */
  arm(pauseMs) {
    this.armedFor = this.then;
    setTimeout(() => {
      const { then, armedFor } = this;
      this.armedFor = null;
      if (then === null) return;
      if (then === armedFor) this.lookAfter(0, pauseMs, 0);
      else this.arm(pauseMs);
    }, pauseMs).unref();
  }

  lookAfter(pauseMs, firstPauseMs, idleLooks) {
    const look = () => this.look(firstPauseMs, idleLooks);
    if (pauseMs === 0) this.immediate = setImmediate(look);
    else this.timer = setTimeout(() => (this.immediate = setImmediate(look)), pauseMs).unref();
  }

  look(firstPauseMs, idleLooks) {
    const { then } = this;
    if (then === null) return;
    if (!isIdle()) this.lookInNextTurn(firstPauseMs);
    else if (idleLooks + 1 < IDLE_LOOKS) this.lookAfter(Math.min(firstPauseMs, CONFIRM_PAUSE_MS), firstPauseMs, idleLooks + 1);
    else {
      this.stop();
      then();
    }
  }

  /**
   * What keeps the loop alive changes only when the loop turns, so until then nobody looks: an unreferenced immediate does not make it turn. A process
   * that waits for an answer from elsewhere sleeps; woken by a timer instead, a thousand of them would keep a core busy and unshare their heaps.
   */
  lookInNextTurn(firstPauseMs) {
    this.immediate = setImmediate(() => this.look(firstPauseMs, 0)).unref();
  }
}

/** The same for invocations that share the loop: when it has nothing left to do, none of those that wait can be answered any more. */
class SharedIdleLoop {
  constructor() {
    this.loop = new IdleLoop();
    this.waiting = new Set();
  }

  /** Calls `then` once, when nothing is left to do. */
  wait(then) {
    this.waiting.add(then);
    if (this.waiting.size === 1) this.loop.wait(() => this.tell(), 0);
  }

  forget(then) {
    if (this.waiting.delete(then) && this.waiting.size === 0) this.loop.stop();
  }

  tell() {
    const all = [...this.waiting];
    this.waiting.clear();
    for (const then of all) then();
  }
}

module.exports = { IdleLoop, SharedIdleLoop, calibrate };
