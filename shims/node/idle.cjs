'use strict';

/**
 * Tells when the event loop has nothing left to do but listen to the host: what Lambda's callback handlers wait for.
 * While somebody waits, the host's connection does not keep the loop alive, and Node.js says `beforeExit` when nothing else does.
 */
class IdleLoop {
  constructor(socket) {
    this.socket = socket;
    this.then = null;
    this.listener = () => {
      const { then } = this;
      this.stop();
      then?.();
    };
    process.on('beforeExit', this.listener);
  }

  wait(then) {
    this.then = then;
    this.socket.unref();
  }

  stop() {
    this.then = null;
    this.socket.ref();
  }

  close() {
    process.off('beforeExit', this.listener);
  }
}

module.exports = { IdleLoop };
