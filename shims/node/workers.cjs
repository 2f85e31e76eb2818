'use strict';
// V8's worker threads do not survive a fork, but what they waited on does, and says that they still wait. Even under
// --single-threaded V8 hands them work (one task for each full collection, WebAssembly's compiler several), and the second or third
// time glibc then waits for a dead waiter to leave the condition variable: the child hangs for ever. So the zygote finds the
// condition variables its threads wait on, and a child says that nobody waits there; and where Node.js keeps the list of its
// workers, a child empties it: V8 then does everything itself, as with a platform that has no threads.
const fs = require('node:fs');
const native = require('./native.cjs');

/** futex(2), untimed wait: number on x86-64 and arm64, FUTEX_WAIT_BITSET | PRIVATE | CLOCK_REALTIME. */
const WAITING = /^(?:202|98) (0x[0-9a-f]+) 0x189 /;
const WAITER = 8; // one waiter in pthread_cond_t.__wrefs, whose low three bits are flags
const SCAN_BYTES = 512;
const POINTER_BYTES = 8;
const SETTLE_ATTEMPTS = 200;

/** [{waiters: address of __wrefs, list: findList's}]; empty in a forked process. */
let found = [];
/** Whether V8's workers are alive in this process: it was spawned, not forked. */
let present = true;

/** How many threads wait on each condition variable, by the address of its `__wrefs`. It precedes `__g_signals[2]`, one of which they wait on. */
function waiting() {
  const groups = new Map();
  let busy = 0;
  for (const thread of fs.readdirSync('/proc/self/task')) {
    const syscall = fs.readFileSync(`/proc/self/task/${thread}/syscall`, 'latin1');
    const match = WAITING.exec(syscall);
    if (match === null) {
      if (syscall.startsWith('running') && Number(thread) !== native.getpid()) busy++;
      continue;
    }
    const word = Number(match[1]);
    const waiters = word - (word % POINTER_BYTES) - 4;
    groups.set(waiters, (groups.get(waiters) ?? 0) + 1);
  }
  return { groups, busy };
}

/**
 * Node.js keeps its workers in a std::vector of pointers to thread ids a little after the condition variable they wait on; the thread for
 * delayed tasks, which waits elsewhere, is in it too. Returns {end: address of its end pointer, bytes}, or null where nothing looks like it.
 */
function findList(memory, waiters, count) {
  const words = memory(waiters + 4, SCAN_BYTES);
  for (let i = 0; i + 2 < words.length; i++) {
    const [begin, end, capacity] = words.subarray(i, i + 3);
    // oxlint-disable-next-line typescript/no-unnecessary-type-conversion -- they are BigInts
    const size = Number(end - begin) / POINTER_BYTES;
    if (begin <= 0xffffn || begin % 8n !== 0n || (size !== count && size !== count + 1) || capacity < end || capacity - begin > 4096n)
      continue;
    const entries = memory(Number(begin), size * POINTER_BYTES);
    const threads = [...entries].map((entry) => memory(Number(entry), POINTER_BYTES)[0]);
    if (new Set(threads).size === size && threads.every((thread) => thread > 0xffffn && thread % 8n === 0n)) {
      return { end: waiters + 4 + (i + 1) * POINTER_BYTES, bytes: size * POINTER_BYTES };
    }
  }
  return null;
}

/** Reads this process's memory as words; what is not mapped reads as zeros instead of ending the process. */
function withMemory(use) {
  const fd = fs.openSync('/proc/self/mem', 'r');
  const read = (address, bytes) => {
    const copy = Buffer.alloc(bytes);
    try {
      fs.readSync(fd, copy, 0, bytes, address);
    } catch {
      copy.fill(0);
    }
    return new BigUint64Array(copy.buffer, copy.byteOffset, bytes / POINTER_BYTES);
  };
  try {
    return use(read);
  } finally {
    fs.closeSync(fd);
  }
}

function look() {
  const { groups, busy } = waiting();
  const groupsFound = [...groups]
    .filter(([waiters, count]) => native.readMemory(waiters, 4).readUInt32LE() >>> 3 === count)
    .map(([waiters, count]) => ({ waiters, count }));
  return { groups: groupsFound, busy };
}

/** Waits until no other thread of this process runs, so that none holds a lock. Returns what they wait on, or null when they never do. */
function rest() {
  for (let attempt = 0; attempt < SETTLE_ATTEMPTS; attempt++) {
    const { groups, busy } = look();
    if (busy === 0 && groups.length > 0) return groups;
    native.poll(null, 0, 1);
  }
  return null;
}

/** Finds V8's workers: all that waits in a process which has just started. False when that can't be told; then it must not be forked. */
function find() {
  const groups = rest();
  if (groups === null) return false;
  found = withMemory((memory) => groups.map(({ waiters, count }) => ({ waiters, list: findList(memory, waiters, count) })));
  return true;
}

/** Before a fork: whether V8's workers, if they live in this process, hold no lock. */
function atRest() {
  return !present || rest() !== null;
}

/** In a child, before anything else: its parent's threads are gone. */
function disown() {
  for (const { waiters, list } of found) {
    const flags = native.readMemory(waiters, 4);
    flags.writeUInt32LE(flags.readUInt32LE() % WAITER);
    native.writeMemory(waiters, flags);
    if (list === null) continue;
    const end = native.readMemory(list.end, POINTER_BYTES);
    end.writeBigUInt64LE(end.readBigUInt64LE() - BigInt(list.bytes));
    native.writeMemory(list.end, end);
  }
  found = [];
  present = false;
}

module.exports = { find, atRest, disown };
