'use strict';
// fork(2) for a running Node.js process. Three facts make it work:
//  1. V8 marks its heap MADV_DONTFORK, so a child would fault on its first instruction: undone on all mappings just before each fork.
//  2. Only the calling thread survives fork(2). Under --single-threaded V8 owns no background work; libuv re-creates its thread
//     pool by itself (pthread_atfork), and uv_loop_fork gives the child an epoll set of its own.
//  3. V8's platform must be told that its worker threads are gone: see workers.cjs.
const fs = require('node:fs');
const native = require('./native.cjs');
const workers = require('./workers.cjs');

const MADV_DOFORK = 11;
const ENOMEM = 12;
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)$/;

function mappings() {
  const found = [];
  for (const line of fs.readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const match = MAPPING.exec(line);
    if (match !== null) found.push({ start: parseInt(match[1], 16), end: parseInt(match[2], 16), name: match[3] });
  }
  return found;
}

/** Where the kernel's own pages begin ([vvar], [vdso]): they refuse the advice and lie above everything else. */
let ceiling = 0;
function measureCeiling() {
  const kernelPages = mappings().filter(({ name }) => name.startsWith('[v'));
  ceiling = Math.min(...kernelPages.map(({ start }) => start), 0x7ffffffff000);
}

/** One call for the whole address space: ENOMEM only says that there were holes. Something that refuses in between sends us through them one by one. */
function allowFork() {
  if (native.madvise(0, ceiling, MADV_DOFORK) === 0 || native.errno() === ENOMEM) return;
  for (const { start, end } of mappings()) if (start < ceiling) native.madvise(start, end - start, MADV_DOFORK);
}

/** Returns the child's pid in the parent and 0 in the child, as fork(2) does. Throws when the kernel refuses. */
function fork() {
  if (!workers.settle()) throw new Error('fork: the threads of this process do not come to rest');
  allowFork();
  const pid = native.fork();
  if (pid === 0) {
    workers.forget();
    native.loopFork();
    native.updateTime(); // the parent's clock stood still while it waited for orders
  }
  return native.check('fork', pid);
}

/** Whether this interpreter can be forked: V8 without background work and with threads that can be disowned, on Linux. */
function canFork() {
  const flags = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
  return process.platform === 'linux' && /--single[-_]threaded\b/.test(flags) && workers.settle();
}

module.exports = { fork, canFork, measureCeiling };
