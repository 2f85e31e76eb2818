'use strict';
// fork(2) for a running Node.js process. Three things make it work:
//  1. V8's heap must be there in the child: see heap.cjs.
//  2. Only the calling thread survives fork(2). Under --single-threaded V8 starts no background work of its own, but its platform must be
//     told that its worker threads are gone: see workers.cjs.
//  3. libuv re-creates its thread pool by itself (pthread_atfork); uv_loop_fork gives the child an epoll set of its own.
const native = require('./native.cjs');
const workers = require('./workers.cjs');
const { keepHeapInForks } = require('./heap.cjs');

/** Returns the child's pid in the parent and 0 in the child, as fork(2) does. Throws when the kernel refuses. */
function fork() {
  if (!workers.atRest()) throw new Error('fork: the threads of this process do not come to rest');
  const pid = native.fork();
  if (pid === 0) {
    workers.disown();
    native.loopFork();
    native.updateTime(); // the parent's clock stood still while it waited for orders
  }
  return native.check('fork', pid);
}

/** Whether this interpreter can be forked, prepared for it where it can. To be called once, first thing in a spawned process. */
function prepareForks() {
  const flags = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
  return process.platform === 'linux' && /--single[-_]threaded\b/.test(flags) && workers.find() && keepHeapInForks();
}

module.exports = { fork, prepareForks };
