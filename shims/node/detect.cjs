'use strict';
// Whether an initialised process may be forked: nothing may be alive in it that a fork would tear apart, or that two processes would share.
// Each finding says what to change.
const fs = require('node:fs');
const { performance } = require('node:perf_hooks');
const descriptors = require('./descriptors.cjs');
const native = require('./native.cjs');
const { librariesOf } = require('./culprits.cjs');

/** Longest wait for what is under way. The host's limit for the init phase is usually shorter. */
const SETTLE_MS = 10_000;
const SETTLE_STEP_MS = 1;
const QUIET_TURNS = 3;
const CLOSING_MS = 1_000;
/** libvips lets its threads go after 15 s without work. */
const WORKERS_LEAVE_MS = 17_000;
const WORKERS_STEP_MS = 100;
const LEAVES = 'libvips worker';
const SHOWN = 5;
const ITIMERS = [0, 1, 2]; // real, virtual, profiling

const THREAD_ADVICE = {
  'onnxruntime-node': 'create its sessions with intraOpNumThreads: 1 and interOpNumThreads: 1, or leave both unset',
  sharp: 'load it during init, but use it in the handler only',
  libgomp: 'set OMP_NUM_THREADS=1, or leave it unset',
  'a worker of worker_threads': 'end it before init ends, or start it in the handler',
};
const ANY_THREAD = 'set its number of threads to 1, or use it first in the handler';
const RECONNECT = 'connect in the handler, or close in a before-snapshot hook and connect again in an after-restore hook';

const threads = () => fs.readdirSync('/proc/self/task');
const threadName = (thread) => read(`/proc/self/task/${thread}/comm`).trim();

function children() {
  const found = [];
  for (const thread of threads()) found.push(...read(`/proc/self/task/${thread}/children`).split(' ').filter(Boolean));
  return found;
}

/** Native code gets its signals through a pipe of libuv's own, made when they are first listened to: now, so that it is not taken for the function's. */
function prepareSignals() {
  const ignore = () => {};
  process.on('SIGWINCH', ignore).off('SIGWINCH', ignore);
}

/** What is there before user code runs. */
function baseline() {
  prepareSignals();
  return { threads: new Set(threads()), ...descriptors.baseline() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Waits for what the init phase left under way without awaiting it: files, name lookups, native work, models that load in the next
 * turn of the loop. What would end them is lost in a fork, and what they make would be made in each instance again.
 * Timers may stay: each instance has its own copy of them.
 */
async function settle() {
  const deadline = performance.now() + SETTLE_MS;
  for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < deadline;) {
    await turn(); // rejections that nobody handled get known here, too
    const busy = native.pendingRequests() > 0 || process.getActiveResourcesInfo().includes('Immediate');
    quiet = busy ? 0 : quiet + 1;
    if (busy) await pause(SETTLE_STEP_MS);
  }
}

/** A client says that it has closed its connection when it has said goodbye; the connection is gone once the other side has, too. */
async function letConnectionsClose(before) {
  const deadline = performance.now() + CLOSING_MS;
  while (descriptors.isClosing(before) && performance.now() < deadline) await pause(SETTLE_STEP_MS);
}

/** Whether a rehearsal may leave threads that stay for so long: libvips's, whoever loaded it. */
const workersStay = () => read('/proc/self/maps').includes('libvips');

/** After a rehearsal, which is worth waiting for: until threads that leave when they have nothing to do have left. */
async function letWorkersLeave(before) {
  const deadline = performance.now() + WORKERS_LEAVE_MS;
  const staying = () => threads().some((thread) => !before.threads.has(thread) && threadName(thread) === LEAVES);
  while (staying() && performance.now() < deadline) await pause(WORKERS_STEP_MS);
}

const plural = (count, noun) => `${count} ${count === 1 ? noun : noun.endsWith('s') ? `${noun}es` : `${noun}s`}`;
const few = (names) =>
  [...new Set(names)]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .slice(0, SHOWN)
    .join(', ');

/** One sentence for each library that has threads. */
function threadReasons(before) {
  const extra = threads().filter((thread) => !before.threads.has(thread));
  const libraries = extra.length === 0 ? [] : librariesOf(extra);
  const counts = new Map();
  for (const [i, thread] of extra.entries()) {
    const library = libraries[i] ?? nameless(threadName(thread));
    counts.set(library, (counts.get(library) ?? 0) + 1);
  }
  return [...counts].map(
    ([library, count]) =>
      `${library} started ${plural(count, 'worker thread')} during init, which a fork would lose (${THREAD_ADVICE[library] ?? ANY_THREAD})`,
  );
}

/** A thread that runs JavaScript has no library but Node.js itself on its stack. */
const nameless = (name) =>
  name === LEAVES ? 'sharp' : /^node|^worker/i.test(name) ? 'a worker of worker_threads' : `native code (${name || 'a thread'})`;

function* otherReasons(before) {
  const found = descriptors.look(before);
  if (found.sockets.length > 0)
    yield `init left ${plural(found.sockets.length, 'socket')} open (${few(found.sockets)}), which all instances would share (${RECONNECT})`;
  const processes = children();
  if (processes.length > 0)
    yield `init left ${plural(processes.length, 'process')} running (${few(processes.map(commandOf))}; end them before init ends, or start them in the handler)`;
  else if (found.pipes > 0) yield 'init left a pipe open, which all instances would share (open it in the handler)';
  if (found.locks.length > 0)
    yield `init holds a lock on ${few(found.locks)}, which an instance would either lose or share (take it in the handler)`;
  if (found.devices.length > 0)
    yield `init opened ${few(found.devices)}, which does not survive a fork (use it first in the handler, or keep models on the CPU until then)`;
  if (found.memory.length > 0)
    yield `init mapped memory that all instances would share and could write to (${few(found.memory)}; map it in the handler)`;
  if (ITIMERS.some((which) => native.hasTimer(which)) || read('/proc/self/timers') !== '')
    yield 'init left a timer of the system running, which a fork would lose (set it in the handler)';
}

const commandOf = (pid) => read(`/proc/${pid}/comm`).trim() || 'a process';

/** Null when the process may be forked; else a sentence that names what was found and what to change. */
function whyNot(before) {
  const reasons = [...threadReasons(before), ...otherReasons(before)];
  const pending = native.pendingRequests();
  if (pending > 0 && reasons.length === 0)
    reasons.push(`init left ${plural(pending, 'operation')} unfinished after ${SETTLE_MS / 1000} s (await them during init)`);
  // Files last, and only where all else is well: to open one a second time and close it again drops the locks on it.
  if (reasons.length === 0) reasons.push(...fileReasons(before));
  return reasons.length === 0 ? null : reasons.join('; ');
}

function fileReasons(before) {
  const { refused } = descriptors.files(before);
  return refused.length === 0
    ? []
    : [`init left ${few(refused)} open, which can't be opened again for each instance (open it in the handler)`];
}

function read(file) {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return ''; // the thread or process has just ended
  }
}

module.exports = { baseline, letConnectionsClose, letWorkersLeave, settle, whyNot, workersStay };
